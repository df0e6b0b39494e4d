package emittertest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/emittertest"
)

// payment is what browsers get to know.
type payment struct {
	Order string  `json:"order"`
	Total float64 `json:"total"`
}

// paid is the code under test.
func paid(ctx context.Context, io *emitter.Emitter, customer string, p payment) error {
	return io.Pipelined(ctx, func(io *emitter.Emitter) error {
		return errors.Join(
			io.To("customer:"+customer).Emit(ctx, "order:paid", p),
			io.Of("/staff").Volatile().Emit(ctx, "sale", p.Total),
		)
	})
}

func Example() {
	ctx := context.Background()
	recorder := emittertest.NewRecorder()
	io := emitter.New(recorder.Client())

	if err := paid(ctx, io, "7", payment{"12345", 19.99}); err != nil {
		fmt.Println(err)
	}
	calls := recorder.Calls()
	for _, call := range calls {
		fmt.Println(call)
	}

	var p payment
	if err := calls[0].Args[0].Decode(&p); err != nil {
		fmt.Println(err)
	}
	fmt.Println(calls[0].Namespace, calls[0].Rooms, calls[0].Event, p.Order)
	// Output:
	// Of("/").To("customer:7").Emit("order:paid", {"order":"12345","total":19.99})
	// Of("/staff").Volatile().Emit("sale", 19.99)
	// / [customer:7] order:paid 12345
}

// What does the code do when Redis is down?
func ExampleRecorder_FailWith() {
	recorder := emittertest.NewRecorder()
	io := emitter.New(recorder.Client())

	recorder.FailWith(errors.New("connection refused"))
	fmt.Println(paid(context.Background(), io, "7", payment{}))
	fmt.Println(len(recorder.Calls()), "calls")
	// Output:
	// emitter: 2 of 2 commands of the pipeline failed, the first with: PUBLISH: connection refused
	// 0 calls
}

func ExampleRecorder_SetServers() {
	recorder := emittertest.NewRecorder()
	io := emitter.New(recorder.Client(), emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{})))

	recorder.SetServers(2)
	fmt.Println(io.ServerCount(context.Background()))
	// Output: 2 <nil>
}
