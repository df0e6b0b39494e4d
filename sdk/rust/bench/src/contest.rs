//! Two pieces of work in turns, in CPU time of this process.

use std::env;

use cpu_time::ProcessTime;

use crate::report::{Figure, median};

/// How much of everything: little with `BENCH_QUICK=1`, for a test that it runs, whose figures mean nothing.
pub struct Contest {
    pub events: u32,
    rounds: usize,
}

impl Contest {
    pub fn new() -> Self {
        match env::var_os("BENCH_QUICK") {
            Some(_) => Self { events: 20, rounds: 1 },
            None => Self { events: 1000, rounds: 25 },
        }
    }

    /// Measures in turns, so that a busy machine slows down both.
    pub fn hold(
        &self,
        (client, what): (&'static str, &'static str),
        mut work: impl FnMut(),
        (against, at_least): (&'static str, Option<f64>),
        mut reference: impl FnMut(),
    ) -> Figure {
        self.cpu(&mut work);
        self.cpu(&mut reference);
        let turns: Vec<_> = (0..self.rounds).map(|_| (self.cpu(&mut work), self.cpu(&mut reference))).collect();
        Figure {
            client,
            what,
            nanoseconds: median(turns.iter().map(|turn| turn.0).collect()),
            against,
            rounds: turns.iter().map(|(ours, theirs)| theirs / ours).collect(),
            at_least,
        }
    }

    /// The CPU time of a piece of work, user and system, of all threads, for one event, in nanoseconds.
    fn cpu(&self, work: &mut impl FnMut()) -> f64 {
        let start = ProcessTime::now();
        work();
        start.elapsed().as_secs_f64() * 1e9 / f64::from(self.events)
    }
}
