package pace

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server takes messages one after the other, and each takes it some time.
type server struct {
	each time.Duration
	way  time.Duration // to it and back

	mu        sync.Mutex
	done      time.Time // with all that was sent
	questions []map[string]int
	longest   time.Duration // that a confirmation took
	asking    bool
	overlaps  bool
}

// send has more messages taken by Redis.
func (s *server) send(messages int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); s.done.Before(now) {
		s.done = now
	}
	s.done = s.done.Add(time.Duration(messages) * s.each)
}

func (s *server) confirm(ctx context.Context, sent map[string]int) (int, error) {
	s.mu.Lock()
	s.questions = append(s.questions, sent)
	s.overlaps, s.asking = s.overlaps || s.asking, true
	took := s.way + max(0, time.Until(s.done))
	s.longest = max(s.longest, took)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.asking = false
		s.mu.Unlock()
	}()
	select {
	case <-time.After(took):
		return 2, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (s *server) asked() []map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.questions
}

// run sends messages of 100 bytes in pieces as they fit, and returns the most that
// were unconfirmed.
func run(t *testing.T, w *Window, s *server, messages int) (most int64) {
	t.Helper()
	before, sent := w.Confirmed(), w.Confirmed()
	for left := messages; left > 0; {
		if err := w.Wait(t.Context(), 100); err != nil {
			t.Fatal(err)
		}
		n := 1
		for n < min(left, 1000) && w.Fits(n+1, (n+1)*100) {
			n++
		}
		time.Sleep(100 * time.Microsecond) // Redis
		s.send(n)
		w.Sent("/", n, n*100)
		sent += int64(n)
		most = max(most, sent-w.Confirmed())
		left -= n
	}
	if err := w.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.Confirmed() != before+int64(messages) || w.Servers() != 2 {
		t.Errorf("%d confirmed by %d servers", w.Confirmed(), w.Servers())
	}
	if s.overlaps {
		t.Error("confirmations overlap")
	}
	return most
}

// TestQuickServers has servers that keep up: the sender hardly ever waits.
func TestQuickServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{way: time.Millisecond}
		w := New(t.Context(), Limits{}, s.confirm)
		began := time.Now()
		run(t, w, s, 1_000_000)
		if took := time.Since(began); took > 120*time.Millisecond { // 100 for Redis
			t.Errorf("it took %v", took)
		}
	})
}

// TestLimits lets the window open as far as it may.
func TestLimits(t *testing.T) {
	for limits, want := range map[Limits]int64{
		{Bytes: 1 << 20}:                (1 << 20) / (100 + overhead),
		{Messages: 2500}:                2500,
		{Bytes: 1 << 20, Messages: 500}: 500,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &server{way: 50 * time.Millisecond}
			w := New(t.Context(), limits, s.confirm)
			if most := run(t, w, s, 200_000); most != want {
				t.Errorf("%+v: %d messages were unconfirmed, want %d", limits, most, want)
			}
		})
	}
}

// TestSlowServer has a server that takes 20 ms for each message, as one with many
// clients does. A confirmation never takes long, so that it is not taken for a server
// that stands still.
func TestSlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{way: time.Millisecond, each: 20 * time.Millisecond}
		w := New(t.Context(), Limits{}, s.confirm)
		began := time.Now()
		run(t, w, s, 2000)
		if s.longest > slow {
			t.Errorf("a confirmation took %v", s.longest)
		}
		if took := time.Since(began); took > 41*time.Second { // 40 for the server
			t.Errorf("it took %v", took)
		}
	})
}

// TestSlowerAndSlower has a server that is quick until the window is wide.
func TestSlowerAndSlower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{way: time.Millisecond}
		w := New(t.Context(), Limits{Messages: 1000}, s.confirm)
		run(t, w, s, 50_000)
		if w.size != 1000 {
			t.Fatalf("the window is of %d messages", w.size)
		}
		s.each = time.Second
		for range 20 {
			if err := w.Wait(t.Context(), 100); err != nil {
				t.Fatal(err)
			}
			n := 1
			for w.Fits(n+1, (n+1)*100) {
				n++
			}
			s.send(n)
			w.Sent("/", n, n*100)
		}
		if w.size > 4 {
			t.Errorf("the window is of %d messages", w.size)
		}
	})
}

// TestLongWay has a network that takes longer than what is meant by slow, which a
// smaller window would not change.
func TestLongWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{way: 800 * time.Millisecond}
		w := New(t.Context(), Limits{Messages: 4000}, s.confirm)
		run(t, w, s, 40_000)
		if w.size != 4000 {
			t.Errorf("the window is of %d messages", w.size)
		}
	})
}

// TestTrickle has messages come one by one, with long pauses: each is confirmed
// without waiting for the next, and the window stays as small as what was proven.
func TestTrickle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{way: time.Millisecond}
		w := New(t.Context(), Limits{}, s.confirm)
		for i := range 100 {
			if err := w.Wait(t.Context(), 100); err != nil {
				t.Fatal(err)
			}
			w.Sent("/", 1, 100)
			time.Sleep(time.Second)
			if len(s.asked()) != i+1 {
				t.Fatalf("%d questions after %d messages", len(s.asked()), i+1)
			}
		}
		if w.size != firstWindow {
			t.Errorf("the window is of %d messages", w.size)
		}
	})
}

// TestOnlyWhatWasAsked has more sent while a confirmation is under way, which does
// not confirm that.
func TestOnlyWhatWasAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		broken := errors.New("1 of 2 servers have it")
		w := New(t.Context(), Limits{}, func(context.Context, map[string]int) (int, error) {
			time.Sleep(time.Millisecond)
			if first {
				first = false
				return 2, nil
			}
			return 0, broken
		})
		w.Sent("/", 3, 300)
		w.Sent("/", 4, 400)
		if err := w.Finish(t.Context()); !errors.Is(err, broken) {
			t.Error(err)
		}
		if w.Confirmed() != 3 {
			t.Errorf("%d confirmed", w.Confirmed())
		}
		// Nothing is sent after that.
		if err := w.Wait(t.Context(), 1); !errors.Is(err, broken) {
			t.Error(err)
		}
		w.Sent("/", 1, 100)
		if err := w.Finish(t.Context()); !errors.Is(err, broken) || w.Confirmed() != 3 {
			t.Errorf("%v, %d confirmed", err, w.Confirmed())
		}
	})
}

// TestNamespaces says where something was sent since it was asked about, and how much.
func TestNamespaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{way: time.Millisecond}
		w := New(t.Context(), Limits{}, s.confirm)
		w.Sent("/", 1, 100)
		w.Sent("/b", 1, 100)
		w.Sent("/a", 2, 200)
		w.Sent("/b", 1, 100)
		for range 2 {
			if err := w.Finish(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.Sent("/c", 1, 100)
		if err := w.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []map[string]int{{"/": 1}, {"/a": 2, "/b": 2}, {"/c": 1}}
		if !slices.EqualFunc(s.asked(), want, maps.Equal) {
			t.Errorf("%v, want %v", s.asked(), want)
		}
	})
}

// TestLargeMessage has one that is larger than the window go alone.
func TestLargeMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{way: time.Millisecond}
		w := New(t.Context(), Limits{Bytes: 1000}, s.confirm)
		if w.Fits(2, 2000) {
			t.Error("two that are larger than the window fit into it")
		}
		for i := range 3 {
			if err := w.Wait(t.Context(), 5000); err != nil {
				t.Fatal(err)
			}
			if w.Confirmed() != int64(i) {
				t.Errorf("%d of %d are confirmed", w.Confirmed(), i)
			}
			if !w.Fits(1, 5000) {
				t.Error("one does not fit after the wait for it")
			}
			w.Sent("/", 1, 5000)
		}
		if err := w.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestGivenUp ends the wait for servers that stand still, and then their
// confirmation.
func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		confirming, stop := context.WithCancel(t.Context())
		s := &server{way: time.Hour}
		w := New(confirming, Limits{Messages: 1}, s.confirm)
		w.Sent("/", 1, 100)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, err := range []error{w.Wait(ctx, 100), w.Finish(ctx)} {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}
		stop()
		if err := w.Finish(t.Context()); !errors.Is(err, context.Canceled) || w.Confirmed() != 0 {
			t.Errorf("%v, %d confirmed", err, w.Confirmed())
		}
	})
}

// TestTimeIsOut has the time for all run out: the confirmation says what that means.
func TestTimeIsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		frozen := errors.New("1 of 2 servers have it")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w := New(ctx, Limits{}, func(ctx context.Context, _ map[string]int) (int, error) {
			<-ctx.Done()
			time.Sleep(time.Millisecond)
			return 1, frozen
		})
		w.Sent("/", 1, 100)
		if err := w.Finish(ctx); !errors.Is(err, frozen) {
			t.Error(err)
		}
	})
}

// TestNothingSent has nothing to ask about.
func TestNothingSent(t *testing.T) {
	s := &server{}
	if err := New(t.Context(), Limits{}, s.confirm).Finish(t.Context()); err != nil || len(s.asked()) > 0 {
		t.Errorf("%v after %d questions", err, len(s.asked()))
	}
}
