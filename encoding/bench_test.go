package encoding

import (
	"encoding/json"
	"testing"
)

// order is the payload of the project's speed figures.
type order struct {
	ID    int      `json:"id"`
	Title string   `json:"title"`
	Price float64  `json:"price"`
	Tags  []string `json:"tags"`
	User  user     `json:"user"`
}

type user struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

var anOrder = order{12345, "Order shipped", 19.99, []string{"a", "b", "c"}, user{"u_123", "Ada"}}

func BenchmarkMarshalJSONOnly(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := json.Marshal(anOrder); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEmitEncoding(b *testing.B) {
	broadcast := &Broadcast{Namespace: "/", Event: "order", Args: []any{anOrder}, Rooms: []Room{"room1"}}
	for name, template := range map[string]*Template{
		"classic": Classic{}.Template(broadcast), "classic JSON": Classic{Codec: JSON}.Template(broadcast), "sharded": Sharded{}.Template(broadcast),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := template.Append(nil, broadcast.Event, broadcast.Args); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
