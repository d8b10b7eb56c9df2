//! The words of a line, in order, with the text that is left: ids, names, lengths, quoted text.

use super::{Context, Length, PersonId, Refusal, RequestId, ResourceId, RoleName, Span, cut, duration, grammar, limits, names, spans};

/// A cursor over a line.
#[derive(Clone)]
pub(super) struct Words<'l> {
    left: &'l str,
}

impl<'l> Words<'l> {
    pub(super) fn new(line: &'l str) -> Self {
        Self { left: line.trim() }
    }

    pub(super) fn peek(&self) -> Option<&'l str> {
        self.left.split_whitespace().next()
    }

    pub(super) fn next(&mut self) -> Option<&'l str> {
        let word = self.peek()?;
        self.left = self.left[word.len()..].trim_start();
        Some(word)
    }

    pub(super) fn id(&mut self) -> Result<RequestId, Refusal> {
        let word = self.next().ok_or_else(|| grammar("a request's id, such as R-7K3QD2", "", Vec::new()))?;
        word.parse().map_err(|_| Refusal::NoSuchRequest { text: cut(word) })
    }

    pub(super) fn person(&mut self, context: &Context<'_>) -> Result<PersonId, Refusal> {
        let word = self.next().ok_or_else(|| grammar("a person, such as @ana", "", Vec::new()))?;
        names::person(word, context.catalogue, context.platform)
    }

    pub(super) fn resource(&mut self, context: &Context<'_>) -> Result<ResourceId, Refusal> {
        let word = self.next().ok_or_else(|| grammar("a resource", "", Vec::new()))?;
        names::resource(word, context.catalogue)
    }

    /// The role, if the next word is one. A word that is neither a role nor a length nor the reason's start is refused.
    pub(super) fn role(&mut self, resource: &ResourceId, context: &Context<'_>) -> Result<Option<RoleName>, Refusal> {
        let Some(word) = self.peek() else { return Ok(None) };
        match names::role(word, resource, context.catalogue) {
            Ok(role) => {
                self.next();
                Ok(Some(role))
            }
            Err(refusal) => {
                let only = context.catalogue.resources.get(resource).is_some_and(|resource| resource.roles.len() == 1);
                let elsewhere = is_length(word) || word.starts_with(is_quote) || is_until(word) || option_name(word).is_some();
                if only || elsewhere { Ok(None) } else { Err(refusal) }
            }
        }
    }

    /// A length, if the next words are one: `30m`, `1 h 30 min`.
    pub(super) fn length(&mut self) -> Result<Option<Span>, Refusal> {
        let mut taken = String::new();
        while let Some(word) = self.peek().filter(|word| is_length(word)) {
            // A bare number belongs together with the unit after it.
            let bare = word.chars().all(|c| c.is_ascii_digit());
            let unit = self.left[word.len()..].split_whitespace().next().filter(|_| bare);
            let piece = unit.map_or_else(|| word.to_owned(), |unit| format!("{word} {unit}"));
            let longer = format!("{taken} {piece}").trim().to_owned();
            if !taken.is_empty() && spans::parse(&longer).is_err() {
                break;
            }
            taken = longer;
            self.next();
            if unit.is_some() {
                self.next();
            }
        }
        if taken.is_empty() { Ok(None) } else { duration(taken.strip_prefix('+').unwrap_or(&taken)).map(Some) }
    }

    /// A length or `until 18:00`.
    pub(super) fn any_length(&mut self, context: &Context<'_>) -> Result<Option<Length>, Refusal> {
        if !self.peek().is_some_and(is_until) {
            return Ok(self.length()?.map(Length::For));
        }
        self.next();
        let text = self.moment_text();
        super::moment(&text, context).map(|end| Some(Length::Until(end)))
    }

    /// The moment behind `until`, if the next words are that; they stay.
    pub(super) fn until_text(&self) -> Option<String> {
        let mut ahead = self.clone();
        ahead.next().filter(|word| is_until(word)).map(|_| ahead.moment_text())
    }

    /// The one or two words of a moment: `18:00`, `tomorrow 9:30`; or what stands in quotes.
    pub(super) fn moment_text(&mut self) -> String {
        if let Some(text) = self.in_quotes() {
            return text;
        }
        let first = self.next().unwrap_or_default();
        if spans::is_day(first) { format!("{first} {}", self.next().unwrap_or_default()) } else { first.to_owned() }
    }

    /// The same of a moment that has been: `yesterday 14:05`, `2 h ago`. A day may stand alone.
    pub(super) fn past_text(&mut self) -> String {
        if let Some(text) = self.in_quotes() {
            return text;
        }
        let start = self.left;
        self.next();
        if self.peek().is_some_and(|word| word.contains(':') || word.eq_ignore_ascii_case("ago")) {
            self.next();
        }
        start[..start.len() - self.left.len()].trim().to_owned()
    }

    /// All that is left, without the quotes around it.
    pub(super) fn rest(&mut self) -> Result<String, Refusal> {
        let text = self.left.trim();
        if text.chars().count() > limits::WORDS {
            return Err(Refusal::BadText { what: "text".into(), why: format!("it is longer than {} characters", limits::WORDS) });
        }
        let whole = self.quoted().filter(|_| self.left.is_empty());
        self.left = "";
        Ok(whole.unwrap_or_else(|| text.to_owned()))
    }

    pub(super) fn some_rest(&mut self) -> Result<Option<String>, Refusal> {
        Ok(Some(self.rest()?).filter(|text| !text.is_empty()))
    }

    /// A text in quotes, straight or curly, that ends the line or is followed by an option. Quotes within it stay.
    pub(super) fn quoted(&mut self) -> Option<String> {
        let mut ahead = self.clone();
        let text = ahead.in_quotes()?;
        if ahead.peek().is_some_and(|word| option_name(word).is_none()) {
            return None;
        }
        *self = ahead;
        Some(text)
    }

    /// A text in quotes, whatever follows it.
    fn in_quotes(&mut self) -> Option<String> {
        let (inside, end) = closing(self.left)?;
        self.left = inside[end..].strip_prefix(is_quote).unwrap_or_default().trim_start();
        Some(inside[..end].trim().to_owned())
    }

    /// The name of the option that stands here. What is left begins with its value, if it has one.
    pub(super) fn option(&mut self) -> Option<&'l str> {
        let word = self.peek()?;
        let name = option_name(word)?;
        let until = self.left.len() - self.left.trim_start_matches(DASHES).len() + name.len();
        let after = &self.left[until..];
        self.left = after.strip_prefix('=').unwrap_or(after).trim_start();
        Some(name)
    }

    /// The value of an option: a word, or what stands in quotes.
    pub(super) fn value(&mut self) -> Option<String> {
        self.in_quotes().or_else(|| self.next().map(str::to_owned))
    }

    pub(super) fn until_option(&mut self) -> String {
        self.until(option_name)
    }

    fn until(&mut self, name: impl Fn(&str) -> Option<&str>) -> String {
        let start = self.left;
        while self.peek().is_some_and(|word| name(word).is_none()) {
            self.next();
        }
        start[..start.len() - self.left.len()].trim().to_owned()
    }

    /// Takes the option that stands here, where nobody writes sentences. What is left begins with its value.
    pub(super) fn flag(&mut self) {
        if let Some(name) = self.peek().and_then(flag) {
            let after = &self.left.trim_start_matches(ANY_DASH)[name.len()..];
            self.left = after.strip_prefix('=').unwrap_or(after).trim_start();
        }
    }

    /// The value of such an option: what stands in quotes, or all words up to the next one.
    pub(super) fn until_flag(&mut self) -> String {
        self.in_quotes().unwrap_or_else(|| self.until(flag))
    }
}

/// What follows the quote that this text begins with, and where in it that quote ends. A quote before a word opens,
/// one behind a word closes, one within a word is an apostrophe.
fn closing(text: &str) -> Option<(&str, usize)> {
    let first = text.chars().next().filter(|c| is_quote(*c))?;
    let inside = &text[first.len_utf8()..];
    let (mut depth, mut before) = (1u32, None);
    let mut letters = inside.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|(_, next)| *next);
        if is_single(letter) == is_single(first) && is_quote(letter) {
            let opens = before.is_none_or(char::is_whitespace) && next.is_some_and(|c| !c.is_whitespace());
            let within = before.is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric);
            match (opens, within) {
                (_, true) => {}
                (true, false) if before.is_some() => depth += 1,
                _ => depth -= 1,
            }
            if depth == 0 {
                return Some((inside, at));
            }
        }
        before = Some(letter);
    }
    None
}

const fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„' | '«' | '»') || is_single(c)
}

const fn is_single(c: char) -> bool {
    matches!(c, '\'' | '‘' | '’' | '‚')
}

fn is_until(word: &str) -> bool {
    word.eq_ignore_ascii_case("until")
}

/// Would this word begin a length? A dash before a number is a sign, whatever a phone made of it.
fn is_length(word: &str) -> bool {
    word.trim_start_matches(['-', '+', '–', '—', '−']).starts_with(char::is_numeric)
}

/// Every option that there is.
pub(super) const OPTIONS: [&str; 3] = ["at", "for", "ticket"];

/// What options begin with: phones make one dash of two.
const DASHES: [char; 3] = ['-', '—', '–'];

/// Dashes that phones and people put before an option.
const ANY_DASH: [char; 4] = ['-', '—', '–', '−'];

/// The name of an option where nobody writes sentences: a word behind dashes of any kind and number. A number is none.
pub(super) fn flag(word: &str) -> Option<&str> {
    let rest = word.strip_prefix(ANY_DASH)?.trim_start_matches(ANY_DASH);
    let name = &rest[..rest.find('=').unwrap_or(rest.len())];
    name.starts_with(|c: char| c.is_ascii_alphabetic()).then_some(name)
}

/// `--at`, `—at`, `–at`: the name. A long dash before any other word is a dash in somebody's sentence.
pub(super) fn option_name(word: &str) -> Option<&str> {
    let name = |rest: &'_ str| rest.find('=').unwrap_or(rest.len());
    if let Some(rest) = word.strip_prefix("--") {
        return rest.starts_with(|c: char| c.is_ascii_alphabetic()).then(|| &rest[..name(rest)]);
    }
    let rest = word.strip_prefix(['—', '–'])?;
    let rest = &rest[..name(rest)];
    OPTIONS.iter().any(|option| option.eq_ignore_ascii_case(rest)).then_some(rest)
}
