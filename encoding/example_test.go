package encoding_test

import (
	"fmt"

	"github.com/sioemit/sioemit/encoding"
)

// The client receives what encoding/json would have sent, and []byte as binary.
func ExampleAppend() {
	type photo struct {
		Name string `json:"name"`
		JPEG []byte `json:"jpeg"`
		Note string `json:"note,omitempty"`
	}
	b, err := encoding.Append(nil, photo{Name: "cat", JPEG: []byte{0xff, 0xd8}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%q\n", b)
	// Output: "\x82\xa4name\xa3cat\xa4jpeg\xc4\x02\xff\xd8"
}

func ExampleClassic_Marshal() {
	var format encoding.Classic
	b := &encoding.Broadcast{Namespace: "/", Event: "hello", Args: []any{"world"}, Rooms: []encoding.Room{"room1"}}
	payload, err := format.Marshal(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(format.Channel(b.Namespace, b.Rooms))
	fmt.Printf("%q\n", payload)
	// Output:
	// socket.io#/#room1#
	// "\x93\xa7emitter\x83\xa4type\x02\xa4data\x92\xa5hello\xa5world\xa3nsp\xa1/\x83\xa5rooms\x91\xa5room1\xa5flags\x80\xa6except\x90"
}
