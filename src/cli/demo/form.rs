//! The form at the terminal: a bare `/jit` asks piece by piece, says how it would go, and sends on a yes. Offers what the
//! bot's form offers and hands in what any chat's form would; what is refused is asked for again, and nothing else.

use std::collections::BTreeSet;

use crate::{
    bot::{Answer, Bot, Chosen, Filled, Form, Needs, Pick, Ticket},
    chat::show::Voice,
    domain::{parse::Piece, policy::Platform, refusal::Refusal, spans},
};

/// Resources shown at once; the rest is found by typing.
const MOST: usize = 20;
const LEAVE: &str = "(a single . leaves the form; so does a line that begins with /jit, and as NAME)";
const LEFT: &str = "The form is left; nothing was asked.";
/// In which order they are asked for: an end without a day lies behind the start.
const ORDER: [Piece; 7] = [Piece::Resource, Piece::Role, Piece::Start, Piece::Length, Piece::Subject, Piece::Reason, Piece::Ticket];

/// The bot that offers, and the words for it.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub bot: &'a Bot,
    pub voice: &'a Voice,
}

/// A form that is being filled in.
pub(super) struct Asking {
    who: String,
    filled: Filled,
    answered: BTreeSet<Piece>,
    /// What was asked last; None: whether to send it.
    piece: Option<Piece>,
}

/// What comes after a line.
pub(super) enum Next {
    /// Another piece is asked for, in these words.
    Ask(Asking, String),
    /// It is whole and confirmed; a refusal of it goes to `refused`.
    Send(Asking),
    /// Left, or not to be asked at all.
    Over(String),
}

impl Asking {
    /// Opens the form for somebody.
    pub(super) async fn begin(desk: Desk<'_>, who: &str) -> anyhow::Result<Next> {
        let asking = Self { who: who.to_owned(), filled: Filled::default(), answered: BTreeSet::new(), piece: Some(Piece::Resource) };
        Ok(match asking.go_on(desk).await? {
            Next::Ask(asking, question) => Next::Ask(asking, format!("{question}\n{LEAVE}")),
            other => other,
        })
    }

    /// What is filled in so far.
    pub(super) const fn filled(&self) -> &Filled {
        &self.filled
    }

    /// Takes one line as the answer to what was asked last.
    pub(super) async fn answer(mut self, desk: Desk<'_>, line: &str) -> anyhow::Result<Next> {
        let line = line.trim();
        if line == "." {
            return Ok(Next::Over(LEFT.into()));
        }
        let Some(piece) = self.piece else {
            let yes = matches!(line.to_lowercase().as_str(), "y" | "yes");
            return Ok(if yes { Next::Send(self) } else { Next::Over(LEFT.into()) });
        };
        line.clone_into(self.field(piece));
        self.answered.insert(piece);
        self.go_on(desk).await
    }

    /// What was sent is refused: the piece that is wrong is asked for again, and all others stay.
    pub(super) async fn refused(self, desk: Desk<'_>, refusal: &Refusal) -> anyhow::Result<Next> {
        self.again(desk, refusal).await
    }

    fn field(&mut self, piece: Piece) -> &mut String {
        let Filled { resource, role, length, start, subject, reason, ticket, .. } = &mut self.filled;
        match piece {
            Piece::Resource => resource,
            Piece::Role => role,
            Piece::Length => length,
            Piece::Start => start,
            Piece::Subject => subject,
            Piece::Reason => reason,
            Piece::Ticket => ticket,
        }
    }

    async fn form(&self, bot: &Bot, query: &str) -> anyhow::Result<Result<Form, Refusal>> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let Filled { resource, role, length, start, subject, .. } = &self.filled;
        let chosen = Chosen {
            query: query.to_owned(),
            limit: MOST,
            resource: some(resource),
            role: some(role),
            length: some(length),
            start: some(start),
            subject: some(subject),
            about: None,
        };
        Ok(bot.form(Platform::Console, &self.who, &chosen).await?)
    }

    /// Asks for the next piece, or for a yes.
    async fn go_on(self, desk: Desk<'_>) -> anyhow::Result<Next> {
        let form = match self.form(desk.bot, "").await? {
            Ok(form) => form,
            Err(refusal) => return self.again(desk, &refusal).await,
        };
        match self.falls_short(form.needs.as_ref()) {
            Some(refusal) => self.again(desk, &refusal).await,
            None => Ok(self.next(desk.voice, &form)),
        }
    }

    /// What the form itself says would be refused is said at once, and not after the last question.
    fn falls_short(&self, needs: Option<&Needs>) -> Option<Refusal> {
        let needs = needs?;
        let answered = |piece| self.answered.contains(&piece);
        if answered(Piece::Length) && !needs.before.within_cap {
            return Some(Refusal::OverCap { asked: needs.before.length, cap: needs.before.cap });
        }
        let short = self.filled.reason.chars().count() < needs.reason_chars;
        (answered(Piece::Reason) && short).then_some(Refusal::ReasonMissing { min_chars: needs.reason_chars })
    }

    fn next(mut self, voice: &Voice, form: &Form) -> Next {
        self.piece = ORDER.into_iter().find(|piece| self.lacks(*piece, form.needs.as_ref()));
        let question = match (self.piece, &form.needs) {
            (Some(piece), _) => question(piece, form),
            (None, needs) => confirm(voice, needs.as_ref()),
        };
        Next::Ask(self, question)
    }

    fn lacks(&self, piece: Piece, needs: Option<&Needs>) -> bool {
        match piece {
            Piece::Resource => self.filled.resource.is_empty(),
            Piece::Role => needs.is_none(),
            Piece::Subject => needs.is_some_and(|needs| needs.on_behalf) && !self.answered.contains(&piece),
            _ => !self.answered.contains(&piece),
        }
    }

    /// A piece that will not do is asked for again, with the reason and the question; what is about no piece leaves
    /// everything as it is.
    async fn again(mut self, desk: Desk<'_>, refusal: &Refusal) -> anyhow::Result<Next> {
        let why = desk.voice.answer(Platform::Console, self.who.parse().ok().as_ref(), &Answer::Refused(refusal.clone())).await?;
        if refusal.field().is_none() && self.piece.is_some() {
            return Ok(Next::Over(why));
        }
        let query = if refusal.field() == Some(Piece::Resource) { self.filled.resource.clone() } else { String::new() };
        let mut wrong = refusal.field();
        let mut found = None;
        for _ in ORDER {
            if let Some(piece) = wrong {
                self.field(piece).clear();
                self.answered.remove(&piece);
            }
            match self.form(desk.bot, &query).await? {
                Ok(form) => {
                    found = Some(form);
                    break;
                }
                // Another piece does not fit any more either.
                Err(other) => wrong = other.field(),
            }
        }
        let Some(mut form) = found else { return Ok(Next::Over(why)) };
        if form.resources.is_empty() {
            form = self.form(desk.bot, "").await?.unwrap_or(form);
        }
        Ok(match self.next(desk.voice, &form) {
            Next::Ask(asking, question) => Next::Ask(asking, format!("{why}\n{question}\n{LEAVE}")),
            other => other,
        })
    }
}

fn confirm(voice: &Voice, needs: Option<&Needs>) -> String {
    let before = needs.map(|needs| voice.before(Platform::Console, &needs.before)).unwrap_or_default();
    format!("{before}\nSend it? yes, or anything else to leave it.")
}

fn question(piece: Piece, form: &Form) -> String {
    let picks = |picks: &[Pick]| picks.iter().map(|pick| format!("{} ({})", pick.id, pick.title)).collect::<Vec<_>>().join(", ");
    let needs = form.needs.as_ref();
    match piece {
        Piece::Resource => {
            let more = form.fitting.saturating_sub(form.resources.len());
            let more = if more > 0 { format!(", and {more} more: type a few letters") } else { String::new() };
            format!("What do you need? {}{more}", picks(&form.resources))
        }
        Piece::Role => format!("Which role? {}", picks(&form.roles)),
        Piece::Length => {
            let lengths = needs.map(|needs| needs.lengths.iter().map(|span| spans::short(*span)).collect::<Vec<_>>().join(", "));
            let default = needs.map(|needs| spans::short(needs.default)).unwrap_or_default();
            format!("How long? {}, or until 18:00; empty for {default}", lengths.unwrap_or_default())
        }
        Piece::Start => "From when? 22:00 or tomorrow 09:30; empty for at once".to_owned(),
        Piece::Subject => "For whom? @NAME; empty for yourself".to_owned(),
        Piece::Reason => match needs.map_or(0, |needs| needs.reason_chars) {
            0 => "Why? May be empty.".to_owned(),
            least => format!("Why? At least {least} characters; the approvers decide by it."),
        },
        Piece::Ticket => match needs.map(|needs| &needs.ticket) {
            Some(Ticket::Required { projects }) => format!("Which ticket? {}", projects.join(", ")),
            _ => "A ticket? May be empty.".to_owned(),
        },
    }
}
