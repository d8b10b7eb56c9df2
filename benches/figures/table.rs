//! One line per figure: its median over the rounds, their spread, what it is held against, and the goal.

/// Measurements of one thing, one per round.
#[derive(Debug, Default, Clone)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The one that this part of them does not exceed, alone.
    pub(crate) fn at(&self, part: f64) -> Self {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let below = sorted.iter().enumerate().take_while(|(index, _)| share(*index, sorted.len()) < part).count();
        Self(sorted.get(below.min(sorted.len().saturating_sub(1))).copied().into_iter().collect())
    }

    /// These divided by those, round by round.
    pub(crate) fn over(&self, others: &Self) -> Self {
        Self(self.0.iter().zip(&others.0).map(|(one, other)| one / other).collect())
    }

    fn spread(&self) -> String {
        let low = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        format!("{} to {}", short(low), short(high))
    }
}

/// How many of all come up to the one with this index, it included.
fn share(index: usize, all: usize) -> f64 {
    let number = |count: usize| u32::try_from(count).map_or(f64::NAN, f64::from);
    number(index + 1) / number(all)
}

/// What a figure is held against, in the same run.
pub(crate) struct Peer<'a> {
    pub(crate) name: &'a str,
    pub(crate) rounds: &'a Rounds,
    /// Figure divided by peer, round by round.
    pub(crate) ratio: &'a Rounds,
}

pub(crate) fn heading() {
    println!("{:<58} {:>10} {:<18} {:<34} {:>7}  goal", "figure", "median", "spread", "beside it", "ratio");
}

pub(crate) fn line(name: &str, unit: &str, rounds: &Rounds, peer: Option<&Peer<'_>>, goal: &str) {
    let beside = peer.map_or_else(String::new, |p| format!("{} {unit} {}", short(p.rounds.median()), p.name));
    let ratio = peer.map_or_else(String::new, |p| format!("{:.2}", p.ratio.median()));
    let median = format!("{} {unit}", short(rounds.median()));
    println!("{name:<58} {median:>10} {:<18} {beside:<34} {ratio:>7}  {goal}", rounds.spread());
}

/// Three digits that matter.
fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
