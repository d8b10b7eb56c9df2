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
    /// What this row of the history says about an instant; None: nothing was there then.
    pub fn of(request: RequestId, row: &Moments, at: Instant) -> Option<Self> {
        let not_before = row.begun_at.filter(|begun| *begun <= at)?;
        if row.gone_at.is_some_and(|gone| gone <= at) || row.stage == Stage::Reopened {
            return None;
        }
        Some(Self {
            request,
            person: row.subject.clone(),
            requester: row.requester.clone(),
            role: row.role.clone(),
            sure: sure(row, at),
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

fn sure(row: &Moments, at: Instant) -> Sure {
    let ended = row.ended_at.is_some_and(|end| end <= at);
    match row.held_from {
        None if row.ended_at.is_some() => Sure::NeverWorked,
        None => Sure::Starting,
        Some(_) if ended && row.ending == Some(What::Settled) => Sure::Settled,
        Some(_) if ended => Sure::Ending,
        Some(from) if at < from => Sure::Starting,
        Some(_) if row.absent_at.is_some_and(|absent| absent <= at) => Sure::FoundAbsent,
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
        HeldAt::of(RequestId::new(7), row, at).map(|held| held.sure)
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
