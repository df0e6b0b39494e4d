// Command orders is an HTTP service beside a Socket.IO cluster: when an order is
// paid, the browsers of the customer learn it at once.
//
//	REDIS_URL=redis://localhost:6379 LISTEN=localhost:8080 go run ./examples/orders
//	curl -X POST localhost:8080/orders/12345/pay -d '{"customer":"7","total":19.99}'
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/sioemit/sioemit/emitter"
)

// payment is what the customer's browsers receive; the tags are those of
// encoding/json.
type payment struct {
	Order    string    `json:"order"`
	Customer string    `json:"-"`
	Total    float64   `json:"total"`
	PaidAt   time.Time `json:"paidAt"`
}

func main() {
	// SIGTERM is how Docker, Kubernetes and systemd end a service.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx); err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context) error {
	rdb, err := connect(setting("REDIS_URL", "redis://localhost:6379"))
	if err != nil {
		return err
	}
	defer rdb.Close() // when no request needs it any more
	io := emitter.New(rdb)
	if err := io.Err(); err != nil { // such as an option that cannot be: now, and not at the first order
		return err
	}

	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders/{id}/pay", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Customer string
			Total    float64
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if body.Customer == "" { // the room of nobody
			http.Error(w, "customer is missing", http.StatusBadRequest)
			return
		}
		p := payment{r.PathValue("id"), body.Customer, body.Total, time.Now().UTC()}
		if err := paid(r.Context(), io, p); err != nil {
			// The order is paid all the same: a browser that misses the event
			// sees it with the next page.
			log.Print(err)
		}
		w.WriteHeader(http.StatusNoContent)
	})

	listener, err := net.Listen("tcp", setting("LISTEN", "localhost:8080"))
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	// Shutdown takes no new requests and waits for those that are here.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(ctx)
}

// paid tells the customer, on every device, and the staff. The order is paid even
// if the browser that paid it has gone, which ends the context of its request. So
// this one does not end with it, but after a second.
func paid(ctx context.Context, io *emitter.Emitter, p payment) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return io.Pipelined(ctx, func(io *emitter.Emitter) error {
		return errors.Join(
			io.To("customer:"+p.Customer).Emit(ctx, "order:paid", p),
			io.Of("/staff").Volatile().Emit(ctx, "sale", p.Total),
		)
	})
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
