//! The form at the terminal: a bare `/jit` asks piece by piece, says how it would go, and sends on a yes. Offers what the
//! bot's form offers and hands in what any chat's form would; judges nothing.

use crate::{
    bot::{Bot, Chosen, Filled, Form, Needs, Pick, Ticket},
    chat::show::Voice,
    domain::{ids::PersonId, parse::Piece, policy::Platform, refusal::Refusal, spans},
};

/// Resources shown at once; the rest is found by typing.
const MOST: usize = 20;
const LEAVE: &str = "(a single . leaves the form)";

/// A form that is being filled in.
pub(super) struct Asking {
    who: String,
    filled: Filled,
    piece: Option<Piece>,
}

/// What comes after a line.
pub(super) enum Next {
    /// Another piece is asked for, in these words.
    Ask(Asking, String),
    /// It is whole and confirmed.
    Send(Filled),
    /// Left, or not to be asked at all.
    Over(String),
}

impl Asking {
    /// Opens the form for somebody.
    pub(super) async fn begin(bot: &Bot, voice: &Voice, who: &str) -> anyhow::Result<Next> {
        let asking = Self { who: who.to_owned(), filled: Filled::default(), piece: Some(Piece::Resource) };
        asking.go_on(bot, voice, "").await
    }

    /// Takes one line as the answer to what was asked last.
    pub(super) async fn answer(mut self, bot: &Bot, voice: &Voice, line: &str) -> anyhow::Result<Next> {
        let line = line.trim();
        if line == "." {
            return Ok(Next::Over("Nothing was asked.".into()));
        }
        let query = if self.piece == Some(Piece::Resource) { line } else { "" };
        match self.piece {
            Some(Piece::Resource) => line.clone_into(&mut self.filled.resource),
            Some(Piece::Role) => line.clone_into(&mut self.filled.role),
            Some(Piece::Length) => line.clone_into(&mut self.filled.length),
            Some(Piece::Reason) => line.clone_into(&mut self.filled.reason),
            Some(Piece::Ticket) => line.clone_into(&mut self.filled.ticket),
            _ if matches!(line.to_lowercase().as_str(), "y" | "yes") => return Ok(Next::Send(self.filled)),
            _ => return Ok(Next::Over("Nothing was asked.".into())),
        }
        self.go_on(bot, voice, query).await
    }

    /// Asks for the next piece, or for a yes.
    async fn go_on(mut self, bot: &Bot, voice: &Voice, query: &str) -> anyhow::Result<Next> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let chosen = Chosen {
            query: query.to_owned(),
            limit: MOST,
            resource: some(&self.filled.resource),
            role: some(&self.filled.role),
            length: some(&self.filled.length),
        };
        let form = match bot.form(Platform::Console, &self.who, &chosen).await? {
            Ok(form) => form,
            Err(refusal) => return self.again(bot, voice, query, &refusal).await,
        };
        let needs = form.needs.as_ref();
        let next = match self.piece {
            Some(Piece::Resource) if self.filled.resource.is_empty() => Piece::Resource,
            Some(Piece::Resource) if needs.is_none() => Piece::Role,
            Some(Piece::Resource | Piece::Role) => Piece::Length,
            Some(Piece::Length) => Piece::Reason,
            Some(Piece::Reason) => Piece::Ticket,
            _ => return Ok(self.confirm(voice, needs)),
        };
        self.piece = Some(next);
        let question = question(next, &form);
        Ok(Next::Ask(self, question))
    }

    /// A piece that will not do is asked for again, with the reason.
    async fn again(mut self, bot: &Bot, voice: &Voice, query: &str, refusal: &Refusal) -> anyhow::Result<Next> {
        let person: Option<PersonId> = self.who.parse().ok();
        let why = voice.answer(Platform::Console, person.as_ref(), &crate::bot::Answer::Refused(refusal.clone())).await?;
        match refusal.field() {
            Some(Piece::Resource) => self.filled.resource.clear(),
            Some(Piece::Role) => self.filled.role.clear(),
            Some(Piece::Length) => self.filled.length.clear(),
            _ => return Ok(Next::Over(why)),
        }
        let near = Chosen { query: query.to_owned(), limit: MOST, ..Chosen::default() };
        let listed = match (refusal.field(), bot.form(Platform::Console, &self.who, &near).await?) {
            (Some(Piece::Resource), Ok(form)) if !form.resources.is_empty() => format!("\n{}", question(Piece::Resource, &form)),
            _ => String::new(),
        };
        Ok(Next::Ask(self, format!("{why}{listed}")))
    }

    fn confirm(mut self, voice: &Voice, needs: Option<&Needs>) -> Next {
        let before = needs.map(|needs| voice.before(Platform::Console, &needs.before)).unwrap_or_default();
        self.piece = None;
        Next::Ask(self, format!("{before}\nSend it? yes, or anything else to leave it."))
    }
}

fn question(piece: Piece, form: &Form) -> String {
    let picks = |picks: &[Pick]| picks.iter().map(|pick| format!("{} ({})", pick.id, pick.title)).collect::<Vec<_>>().join(", ");
    let needs = form.needs.as_ref();
    match piece {
        Piece::Resource => {
            let more = form.fitting.saturating_sub(form.resources.len());
            let more = if more > 0 { format!(", and {more} more: type a few letters") } else { String::new() };
            format!("What do you need? {}{more} {LEAVE}", picks(&form.resources))
        }
        Piece::Role => format!("Which role? {}", picks(&form.roles)),
        Piece::Length => {
            let lengths = needs.map(|needs| needs.lengths.iter().map(|span| spans::short(*span)).collect::<Vec<_>>().join(", "));
            let default = needs.map(|needs| spans::short(needs.default)).unwrap_or_default();
            format!("How long? {}, or until 18:00; empty for {default}", lengths.unwrap_or_default())
        }
        Piece::Reason => match needs.map_or(0, |needs| needs.reason_chars) {
            0 => "Why? May be empty.".to_owned(),
            least => format!("Why? At least {least} characters; the approvers decide by it."),
        },
        _ => match needs.map(|needs| &needs.ticket) {
            Some(Ticket::Required { projects }) => format!("Which ticket? {}", projects.join(", ")),
            _ => "A ticket? May be empty.".to_owned(),
        },
    }
}
