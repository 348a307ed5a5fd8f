//! A figure of the benchmark: its rounds, its median, and the flush rate of the same run beside it.

use crate::cli::output::{self, Format};

/// What one figure came to.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) rounds: Vec<f64>,
    /// The aim, for people: `≤ 55`.
    pub(crate) aim: &'static str,
    /// fdatasync per second of the same disk, measured in the same run.
    pub(crate) fsync_per_s: f64,
    /// Cases that there were, where that decides.
    pub(crate) cases: Option<u64>,
}

impl Figure {
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.rounds.clone();
        sorted.sort_by(f64::total_cmp);
        match sorted.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => sorted[n / 2],
            n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
        }
    }

    fn json(&self) -> serde_json::Value {
        let round = |x: f64| (x * 1000.0).round() / 1000.0;
        let (min, max) = (self.rounds.iter().copied().fold(f64::INFINITY, f64::min), self.rounds.iter().copied().fold(0.0, f64::max));
        let mut json = serde_json::json!({
            "figure": self.name, "unit": self.unit, "median": round(self.median()), "min": round(min), "max": round(max),
            "rounds": self.rounds.len(), "beside": { "fsync_per_s": self.fsync_per_s.round() },
        });
        if let Some(cases) = self.cases {
            json["cases"] = cases.into();
        }
        json
    }
}

/// Prints figures as they come: a line of JSON each for machines, an aligned line for people.
pub(crate) fn print(figures: &[Figure], format: Format) {
    match format {
        Format::Table => {
            let rows: Vec<Vec<String>> = figures
                .iter()
                .map(|f| {
                    let text = |x: f64| format!("{x:.2}");
                    let low = f.rounds.iter().copied().fold(f64::INFINITY, f64::min);
                    let high = f.rounds.iter().copied().fold(0.0, f64::max);
                    let of = f.cases.map_or_else(String::new, |n| format!(" ({n} cases)"));
                    vec![
                        format!("{}{of}", f.name),
                        text(f.median()),
                        text(low),
                        text(high),
                        f.unit.into(),
                        f.aim.into(),
                        format!("{:.0}", f.fsync_per_s),
                    ]
                })
                .collect();
            print!("{}", output::table(&["figure", "median", "min", "max", "unit", "aim", "fsync/s"], &rows));
        }
        Format::Json => println!("{}", serde_json::Value::Array(figures.iter().map(Figure::json).collect())),
        Format::Ndjson => figures.iter().for_each(|f| println!("{}", f.json())),
    }
}
