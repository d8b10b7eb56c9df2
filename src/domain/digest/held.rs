//! Who had what at an instant, and how sure that is: between a decision and the first "it works" access may have been there,
//! and so between its end and the read-back that said "gone".

use serde::{Deserialize, Serialize};

use super::{Moments, Stage, What};
use crate::domain::{
    ids::{PersonId, RoleName},
    request::RequestId,
    time::Instant,
};

/// One grant that was there at an instant, or may have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldAt {
    pub request: RequestId,
    /// Who had it.
    pub person: PersonId,
    pub requester: PersonId,
    pub role: RoleName,
    pub sure: Sure,
    /// It worked from here. None: it was never seen to work.
    pub from: Option<Instant>,
    /// Its end began here. None: it has not ended yet.
    pub to: Option<Instant>,
    /// Not there before this instant: the grant was decided then, and no call was made before.
    pub not_before: Instant,
    /// Not there after this instant: it was read back as gone then (or settled, see `sure`). None: not yet.
    pub not_after: Option<Instant>,
    /// The person had it already: the bot gave nothing and took nothing, so it may well have been there outside these times.
    pub had_before: bool,
    /// How it ended; None: it has not yet.
    pub ending: Option<What>,
}

/// How sure it is that access was there at the instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sure {
    /// It worked, and its end had not begun.
    Held,
    /// Perhaps: decided, and not seen to work yet. The first call may have had its effect.
    Starting,
    /// Perhaps: its end had begun, and it was not read back as gone yet.
    Ending,
    /// Perhaps: it was seen to be absent before its end; somebody took it away by hand, at an instant that nobody saw.
    FoundAbsent,
    /// Perhaps: it was never seen to work, and undone.
    NeverWorked,
    /// It was found there again after it had been said to be gone, and had not been read as gone since.
    CameBack,
    /// Perhaps: its end was declared by a person, and nobody read it back.
    Settled,
}

impl HeldAt {
    /// What this row of the history says about the time from the first instant to the last, both included; None: nothing was
    /// there then.
    pub fn of(request: RequestId, row: &Moments, (first, last): (Instant, Instant)) -> Option<Self> {
        let not_before = row.begun_at.filter(|begun| *begun <= last)?;
        if row.gone_at.is_some_and(|gone| gone <= first) || row.stage == Stage::Reopened {
            return None;
        }
        Some(Self {
            request,
            person: row.subject.clone(),
            requester: row.requester.clone(),
            role: row.role.clone(),
            sure: sure(row, (first, last)),
            from: row.held_from,
            to: row.ended_at,
            not_before,
            not_after: row.gone_at,
            had_before: row.had_before,
            ending: row.ending,
        })
    }

    /// What this row says of access that was found again at `from` and was there until `to` at most; None: it is there yet.
    pub fn back(request: RequestId, row: &Moments, from: Instant, to: Option<Instant>) -> Self {
        Self {
            request,
            person: row.subject.clone(),
            requester: row.requester.clone(),
            role: row.role.clone(),
            sure: Sure::CameBack,
            from: Some(from),
            to,
            // It came back at some time since it was gone.
            not_before: row.gone_at.unwrap_or(from).min(from),
            not_after: to,
            had_before: row.had_before,
            ending: row.ending,
        }
    }

    pub fn is_sure(&self) -> bool {
        self.sure == Sure::Held
    }
}

/// All of the time that somebody means who writes `at`: to the second, that whole second; with a fraction, that instant alone.
pub fn meant(at: Instant) -> (Instant, Instant) {
    let is_whole = at.micros().rem_euclid(1_000_000) == 0;
    (at, if is_whole { Instant::from_micros(at.micros().saturating_add(999_999)) } else { at })
}

/// The surest that it was at any instant of that time.
fn sure(row: &Moments, (first, last): (Instant, Instant)) -> Sure {
    let ended = row.ended_at.is_some_and(|end| end <= first);
    match row.held_from {
        None if row.ended_at.is_some() => Sure::NeverWorked,
        None => Sure::Starting,
        Some(_) if ended && row.ending == Some(What::Settled) => Sure::Settled,
        Some(_) if ended => Sure::Ending,
        Some(from) if last < from => Sure::Starting,
        Some(_) if row.absent_at.is_some_and(|absent| absent <= first) => Sure::FoundAbsent,
        Some(_) => Sure::Held,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn second(n: i64) -> Instant {
        Instant::from_micros(1_795_521_600_000_000 + n * 1_000_000)
    }

    fn row() -> Moments {
        Moments {
            stage: Stage::Closed,
            resource: "prod-db".parse().unwrap(),
            role: "write".parse().unwrap(),
            requester: "ana".parse().unwrap(),
            subject: "ana".parse().unwrap(),
            opened_at: second(0),
            begun_at: Some(second(10)),
            held_from: Some(second(12)),
            had_before: false,
            absent_at: None,
            ended_at: Some(second(100)),
            gone_at: Some(second(103)),
            closed_at: Some(second(103)),
            ending: Some(What::Expired),
            closed_by: None,
            sessions: None,
            sampled: false,
            less: false,
            settled: None,
        }
    }

    fn said(row: &Moments, at: Instant) -> Option<Sure> {
        HeldAt::of(RequestId::new(7), row, (at, at)).map(|held| held.sure)
    }

    #[test]
    fn the_edges_are_said_to_the_second_with_how_sure_they_are() {
        let row = row();
        let wanted = [
            (9, None),
            (10, Some(Sure::Starting)),
            (11, Some(Sure::Starting)),
            (12, Some(Sure::Held)),
            (99, Some(Sure::Held)),
            (100, Some(Sure::Ending)),
            (102, Some(Sure::Ending)),
            (103, None),
        ];
        for (at, sure) in wanted {
            assert_eq!(said(&row, second(at)), sure, "{at}");
        }
    }

    #[test]
    fn a_moment_without_a_fraction_is_its_whole_second_and_one_with_it_is_itself() {
        assert_eq!(meant(second(3)), (second(3), Instant::from_micros(second(4).micros() - 1)));
        let within = Instant::from_micros(second(3).micros() + 500_000);
        assert_eq!(meant(within), (within, within));
    }

    #[test]
    fn whatever_overlaps_a_second_was_there_in_it_as_sure_as_it_ever_was_then() {
        let at = |millis: i64| Instant::from_micros(second(0).micros() + millis * 1_000);
        let said = |row: &Moments, n: i64| HeldAt::of(RequestId::new(7), row, meant(second(n))).map(|held| held.sure);
        let brief = Moments { begun_at: Some(at(200)), held_from: Some(at(300)), ended_at: Some(at(600)), gone_at: Some(at(700)), ..row() };
        assert_eq!((said(&brief, -1), said(&brief, 0), said(&brief, 1)), (None, Some(Sure::Held), None));
        let longer =
            Moments { begun_at: Some(at(900)), held_from: Some(at(1_500)), ended_at: Some(at(2_500)), gone_at: Some(at(3_100)), ..row() };
        let wanted = [None, Some(Sure::Starting), Some(Sure::Held), Some(Sure::Held), Some(Sure::Ending), None];
        assert_eq!([-1, 0, 1, 2, 3, 4].map(|n| said(&longer, n)), wanted);
        let absent = Moments { absent_at: Some(at(1_700)), ..longer };
        assert_eq!((said(&absent, 1), said(&absent, 2)), (Some(Sure::Held), Some(Sure::FoundAbsent)));
    }

    #[test]
    fn what_is_open_is_there_until_it_is_read_as_gone() {
        let active = Moments { stage: Stage::Active, ended_at: None, gone_at: None, closed_at: None, ending: None, ..row() };
        assert_eq!(said(&active, second(5_000)), Some(Sure::Held));
        let revoking = Moments { stage: Stage::Revoking, ended_at: Some(second(100)), ..active.clone() };
        assert_eq!(said(&revoking, second(99)), Some(Sure::Held));
        assert_eq!(said(&revoking, second(5_000)), Some(Sure::Ending), "nobody has read that it is gone");
        let granting = Moments { stage: Stage::Granting, held_from: None, ..active.clone() };
        assert_eq!(said(&granting, second(11)), Some(Sure::Starting));
        let reopened = Moments { stage: Stage::Reopened, begun_at: None, ..granting };
        assert_eq!(said(&reopened, second(11)), None);
        let absent = Moments { stage: Stage::FoundAbsent, absent_at: Some(second(50)), ..active };
        assert_eq!((said(&absent, second(49)), said(&absent, second(50))), (Some(Sure::Held), Some(Sure::FoundAbsent)));
    }

    #[test]
    fn what_never_worked_or_was_settled_may_have_been_there() {
        let failed = Moments { held_from: None, ending: Some(What::Failed), ..row() };
        assert_eq!(said(&failed, second(50)), Some(Sure::NeverWorked));
        let settled = Moments { ending: Some(What::Settled), ..row() };
        assert_eq!((said(&settled, second(50)), said(&settled, second(101))), (Some(Sure::Held), Some(Sure::Settled)));
    }
}
