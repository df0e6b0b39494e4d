package main

// report is everything that a run found out.
type report struct {
	date    string
	machine machine
	quick   bool
	rounds  int
	bars    []bar
	works   []work
	growths []growth

	languages []language
}

// bar is one of the promises of the project.
type bar struct {
	what     string
	limit    string
	measured string // the median, and between which values the rounds were
	met      bool
}

// work is something that was done by us and by others.
type work struct {
	name    string // stands in tables
	heading string
	note    string // what was done, for those who read the page
	one     string // what is counted: "emit", "line"
	// roundTrip says that the wait for Redis takes nearly all of the time, and
	// what differs between the entries is noise: they are not compared.
	roundTrip bool
	rounds    int // where it is not that of the report
	entries   []entry
}

// entry is one of those who did a work.
type entry struct {
	name   string
	timing timing
	ours   bool
	allocs float64 // per piece of work; negative where it was not counted
	memory int     // peak in KiB; 0 where it was not looked at
	// ceiling marks what sends bytes that are ready: it does less than an emit
	// and is there to compare with.
	ceiling bool
}

// best returns the entry that others are compared with: the first, which is
// ours.
func (w *work) best() entry { return w.entries[0] }

// growth is how a cost grows with something.
type growth struct {
	slug    string // in the name of the plot
	heading string
	note    string
	axis    string // what grows
	labels  []string
	at      []float64
	rates   bool // show how many a second, not how long one takes
	lines   []line
}

// line is one contestant of a growth.
type line struct {
	name    string
	ours    bool
	against int // index of the line that it is measured against, for ours
	timings []timing
}
