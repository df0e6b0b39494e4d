package compat_test

import (
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
)

func toAll(s *stage) {
	s.send(message{event: "hello", args: []any{"world"}}, everyone("/"))
}

func toRoom(s *stage) {
	s.send(message{rooms: []string{roomA}, event: "to a"}, inAny(roomA))
	s.send(message{rooms: []string{roomB}, event: "to b"}, inAny(roomB))
	s.send(message{rooms: []string{roomA, roomA}, event: "to a, said twice"}, inAny(roomA))
}

func toRooms(s *stage) {
	s.send(message{rooms: []string{roomA, roomB}, event: "to a and b"}, inAny(roomA, roomB))
	s.send(message{rooms: []string{"nobody", roomB}, event: "to nobody and b"}, inAny(roomB))
	s.send(message{rooms: []string{roomB, roomA, roomB}, event: "to b, a and b"}, inAny(roomA, roomB))
}

// A socket id reaches its client through every transport, on either server, and in either namespace.
func toSocketID(s *stage) {
	for i, m := range s.members {
		target := message{rooms: []string{m.ID}, event: "to one", args: []any{i}}
		if m.Namespace != "/" {
			target.namespace = m.Namespace
		}
		s.send(target, only(m))
	}
	first, last := s.members[0], s.members[len(s.members)-1]
	s.send(message{rooms: []string{first.ID, last.ID}, event: "to two"}, only(first, last))
}

func exceptSocketID(s *stage) {
	inA := s.some(s.T, inAny(roomA))
	out := only(inA[0], inA[len(inA)-1])
	s.send(message{except: []string{inA[0].ID, inA[len(inA)-1].ID}, event: "to all but two"},
		and(everyone("/"), not(out)))
	s.send(message{rooms: []string{roomA}, except: []string{inA[0].ID}, event: "to a but one"},
		and(inAny(roomA), not(only(inA[0]))))
	admin := s.some(s.T, everyone("/admin"))[0]
	s.send(message{namespace: "/admin", except: []string{admin.ID}, event: "to all of /admin but one"},
		and(everyone("/admin"), not(only(admin))))
}

func exceptRoom(s *stage) {
	s.send(message{except: []string{roomA}, event: "to all but a"}, and(everyone("/"), not(inAny(roomA))))
	s.send(message{rooms: []string{roomA}, except: []string{roomB}, event: "to a but b"},
		and(inAny(roomA), not(inAny(roomB))))
	s.send(message{except: []string{roomA, roomB}, event: "to all but a and b"},
		and(everyone("/"), not(inAny(roomA, roomB))))
	s.send(message{except: []string{"nobody"}, event: "to all but nobody"}, everyone("/"))
}

// Servers before version 4, and those in Python, compare what is excluded with socket ids only, and would send to everyone.
func exceptRoomRefused(s *stage) {
	s.refused(message{except: []string{roomA}, event: "to all but a"}, emitter.ErrExceptRoom)
	s.refused(message{rooms: []string{roomA}, except: []string{roomB}, event: "to a but b"}, emitter.ErrExceptRoom)
}

func toNamespace(s *stage) {
	s.send(message{namespace: "/", event: "to /"}, everyone("/"))
	s.send(message{namespace: "/admin", event: "to /admin"}, everyone("/admin"))
	s.send(message{namespace: "admin", event: "to admin"}, everyone("/admin"))
	// The room has the same name in both namespaces.
	s.send(message{namespace: "admin", rooms: []string{roomA}, event: "to a of admin"},
		and(everyone("/admin"), func(m *member) bool { return m.in(roomA) }))
}

// A room may have any name, also one that means something to Redis, and one as long as a socket id.
func roomNames(s *stage) {
	first := s.some(s.T, and(inAny(roomA), transport("websocket")))[0]
	last := s.some(s.T, and(inAny(roomB), transport("polling")))[0]
	for _, name := range []string{
		"#", "a#", "#a#b#", "*", "a*", "?", "[a]", "two words", " ", "a,b", ",", "a\"b", "a'b", `a\b`, "$HOME", "-x", "--room",
		"42", "4.20", "a/b", "/", "tab\tand\nline", "abcdefghijklmnopqrst",
	} {
		s.join(s.ctx, s.T, first, name)
		s.join(s.ctx, s.T, last, name)
		s.send(message{rooms: []string{name}, event: "to one", args: []any{name}}, only(first, last))
		s.send(message{rooms: []string{name, "nobody"}, event: "to two", args: []any{name}}, only(first, last))
	}
}

// roomsOfNumber has two clients on different servers join the room that is a number, one join the room that is its text,
// and one join both, and hands each kind to f.
func roomsOfNumber(s *stage, f func(n float64, text string, number, named func(*member) bool)) {
	in := s.some(s.T, everyone("/"))
	first, last, text, both := in[0], in[len(in)-1], in[1], in[2]
	number, named := only(first, last, both), only(text, both)
	for n, name := range map[float64]string{
		5: "5", -1.5: "-1.5", 0: "0", 1e21: "1e+21", 12345678901234567890: "12345678901234567000", // as long as a socket id
	} {
		if s.row.isPython() && n >= 1<<53 {
			s.refused(message{numbers: []float64{n}, event: "to one of several numbers"}, encoding.ErrNoCounterpart)
			continue
		}
		for _, m := range []*member{first, last, both} {
			if err := m.Call(s.ctx, "join", []any{n}); err != nil {
				s.Fatal(err)
			}
		}
		// Members are known to be in the text, which has a channel of its own on some rows, so that settle waits for what
		// comes by it.
		s.join(s.ctx, s.T, text, name)
		s.join(s.ctx, s.T, both, name)
		f(n, name, number, named)
		s.settle()
		for _, m := range []*member{first, last, both} {
			if err := m.Call(s.ctx, "leave", []any{n}); err != nil {
				s.Fatal(err)
			}
		}
	}
}

// The room that is a number is another one than its text, in both directions, alone and beside other rooms.
func roomNumbers(s *stage) {
	roomsOfNumber(s, func(n float64, text string, number, named func(*member) bool) {
		s.send(message{numbers: []float64{n}, event: "to the number", args: []any{text}}, number)
		s.send(message{rooms: []string{text}, event: "to the text", args: []any{text}}, named)
		s.send(message{numbers: []float64{n, 777}, event: "to two numbers", args: []any{text}}, number)
		s.send(message{rooms: []string{"nobody"}, numbers: []float64{n}, event: "to nobody and the number", args: []any{text}}, number)
		s.send(message{rooms: []string{text}, numbers: []float64{n}, event: "to both", args: []any{text}}, or(number, named))
		s.sendAll([]message{
			{rooms: []string{text}, numbers: []float64{777}, event: "all: to the text", args: []any{text}}, {rooms: []string{"nobody", text}, event: "all: to texts", args: []any{text}},
		}, named)
		s.sendAll([]message{{numbers: []float64{n}, event: "all: to the number", args: []any{text}}}, number)
		if !s.row.exceptsRooms() {
			s.refused(message{exceptNumbers: []float64{n}, event: "to all but the number"}, emitter.ErrExceptRoom)
			return
		}
		s.send(message{exceptNumbers: []float64{n}, event: "to all but the number", args: []any{text}}, and(everyone("/"), not(number)))
		s.send(message{except: []string{text}, event: "to all but the text", args: []any{text}}, and(everyone("/"), not(named)))
		s.send(message{numbers: []float64{n}, except: []string{text}, event: "to the number but the text", args: []any{text}}, and(number, not(named)))
	})
}

// Servers before version 3 keep rooms as the keys of an object, which are text.
func roomNumbersAreText(s *stage) {
	roomsOfNumber(s, func(n float64, text string, number, named func(*member) bool) {
		s.send(message{numbers: []float64{n}, event: "to the number", args: []any{text}}, or(number, named))
		s.send(message{rooms: []string{text}, event: "to the text", args: []any{text}}, or(number, named))
		s.send(message{numbers: []float64{n, 777}, event: "to two numbers", args: []any{text}}, or(number, named))
		s.refused(message{exceptNumbers: []float64{n}, event: "to all but the number"}, emitter.ErrExceptRoom)
	})
}
