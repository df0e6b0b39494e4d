package emitter_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
)

func Example() {
	ctx := context.Background()
	rdb := redis.NewClient(&redis.Options{Addr: redisAddr, ContextTimeoutEnabled: true}) // such as localhost:6379
	defer rdb.Close()

	io := emitter.New(rdb)
	order := struct {
		ID    int     `json:"id"`
		Total float64 `json:"total"`
	}{12345, 19.99}

	if err := io.To("user:7").Emit(ctx, "order:paid", order); err != nil {
		fmt.Println(err)
	}
	if err := io.Of("/admin").Except("night-shift").Emit(ctx, "sale", 12345, "Ada"); err != nil {
		fmt.Println(err)
	}
	// Output:
}

// In a pipeline of go-redis, events wait for Exec beside other commands.
func ExampleNew_pipeline() {
	ctx := context.Background()
	rdb := redis.NewClient(&redis.Options{Addr: redisAddr, ContextTimeoutEnabled: true})
	defer rdb.Close()

	pipe := rdb.TxPipeline()
	pipe.Set(ctx, "order:12345", "paid", 0)
	if err := emitter.New(pipe).To("user:7").Emit(ctx, "order:paid", 12345); err != nil {
		fmt.Println(err)
		return
	}
	cmds, err := pipe.Exec(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, cmd := range cmds {
		fmt.Println(cmd.Name())
	}
	// Output:
	// set
	// publish
}

// A Redis Cluster on which nothing is sent twice.
func ExampleNoRetry() {
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"localhost:7000"}, ContextTimeoutEnabled: true})
	defer rdb.Close()
	rdb.AddHook(emitter.NoRetry())

	fmt.Println(emitter.New(rdb).Err())
	// Output: <nil>
}

func ExampleEmitter_Pipelined() {
	ctx := context.Background()
	rdb := redis.NewClient(&redis.Options{Addr: redisAddr, ContextTimeoutEnabled: true})
	defer rdb.Close()

	err := emitter.New(rdb).Pipelined(ctx, func(io *emitter.Emitter) error {
		for user := range 1000 {
			if err := io.To(fmt.Sprint("user:", user)).Emit(ctx, "maintenance", "in 5 minutes"); err != nil {
				return err // nothing has been sent
			}
		}
		return nil
	})
	fmt.Println(err)
	// Output: <nil>
}

// A target can be kept and shared: its methods return new ones.
func ExampleBroadcastOperator() {
	ctx := context.Background()
	rdb := redis.NewClient(&redis.Options{Addr: redisAddr, ContextTimeoutEnabled: true})
	defer rdb.Close()

	lobby := emitter.New(rdb).Of("/chat").To("lobby")
	fmt.Println(lobby.Emit(ctx, "message", "hello"))
	fmt.Println(lobby.Volatile().Emit(ctx, "typing", "Ada"))
	fmt.Println(lobby.Except("").Emit(ctx, "message", "hello"))
	// Output:
	// <nil>
	// <nil>
	// emitter: the room's name is empty
}

// Every client in the room is asked, and its answer decoded as encoding/json
// would. When some do not answer in time, what came is returned all the same.
func ExampleBroadcastOperator_EmitWithAck() {
	ctx := context.Background()
	rdb := redis.NewClient(&redis.Options{Addr: redisAddr, ContextTimeoutEnabled: true}) // such as localhost:6379
	defer rdb.Close()

	acks, err := emitter.New(rdb).To("lobby").Timeout(2*time.Second).EmitWithAck(ctx, "ready?", "round 7")
	var incomplete *emitter.IncompleteError
	if errors.As(err, &incomplete) {
		fmt.Printf("%d of %d clients answered in time\n", incomplete.Clients, incomplete.Expected)
	} else if err != nil {
		fmt.Println(err)
		return
	}
	for _, value := range acks.Values {
		var answer struct {
			Name  string `json:"name"`
			Ready bool   `json:"ready"`
		}
		if err := value.Decode(&answer); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(answer.Name, answer.Ready)
	}
	// Output:
	// Ada true
	// Grace false
}

// The server's code has set socket.data; here it is decoded into a struct.
func ExampleBroadcastOperator_FetchSockets() {
	ctx := context.Background()
	rdb := redis.NewClient(&redis.Options{Addr: redisAddr, ContextTimeoutEnabled: true})
	defer rdb.Close()

	sockets, err := emitter.New(rdb).To("lobby").FetchSockets(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, socket := range sockets {
		var user struct{ Name string }
		if err := socket.Data.Decode(&user); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(socket.ID, socket.Rooms, user.Name)
	}
	// Output: a1 [a1 lobby] Ada
}
