//! Figures: ratios, each a number per round, and the bars for their medians.

use std::{env, fs, io};

use serde_json::json;

/// How something compares with something else, by rate: how many times as fast it is.
pub struct Figure {
    /// Of Redis; empty where none takes part.
    pub client: &'static str,
    pub what: &'static str,
    /// For one event.
    pub nanoseconds: f64,
    pub against: &'static str,
    pub rounds: Vec<f64>,
    pub at_least: Option<f64>,
}

pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

impl Figure {
    /// The figure as a line of JSON.
    fn line(&self) -> String {
        let mut line = json!({
            "language": "rust", "client": self.client, "what": self.what, "nanoseconds": self.nanoseconds.round(),
            "against": self.against, "ratio": "rate", "rounds": self.rounds,
        });
        if let Some(bar) = self.at_least {
            line["atLeast"] = bar.into();
        }
        format!("{line}\n")
    }

    /// The figure as a row of the table.
    fn row(&self) -> [String; 7] {
        let value = median(self.rounds.clone());
        let lowest = self.rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = self.rounds.iter().copied().fold(0.0, f64::max);
        let (bar, met) = match self.at_least {
            Some(bar) => (format!("at least {bar}"), if value >= bar { "yes" } else { "NO" }),
            None => (String::new(), ""),
        };
        [
            self.client.to_owned(),
            self.what.to_owned(),
            format!("{:.0} ns", self.nanoseconds),
            self.against.to_owned(),
            format!("rate {value:.2} ({lowest:.2} to {highest:.2})"),
            bar,
            met.to_owned(),
        ]
    }
}

/// Prints a table, and writes a line of JSON for each figure into the file that `BENCH_JSON` names.
pub fn report(figures: &[Figure]) -> io::Result<()> {
    let head = ["client", "what", "one", "compared with", "ratio (lowest to highest)", "bar", "met"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head).chain(figures.iter().map(Figure::row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    for row in &rows {
        let cells = row.iter().enumerate().map(|(column, cell)| format!("{cell:<0$}", width(column)));
        println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    match env::var_os("BENCH_JSON") {
        Some(file) => fs::write(file, figures.iter().map(Figure::line).collect::<String>()),
        None => Ok(()),
    }
}
