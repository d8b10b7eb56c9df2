//! Discord's markdown, as its clients read it: what is shown of a text, and what in it takes effect.

use chrono::DateTime;

/// What was read.
pub(super) struct Reader {
    pub(super) shown: String,
    pub(super) live: Vec<String>,
    now: i64,
    /// Headings, lists and quotes are read as such.
    blocks: bool,
}

/// Marks around a stretch of text, longest first, and what they make of it.
const STYLES: [(&str, &str); 7] =
    [("***", "bold italics"), ("**", "bold"), ("*", "italics"), ("__", "underline"), ("_", "italics"), ("~~", "strike"), ("||", "spoiler")];

/// What ends an address, when it stands last.
const NOT_LAST: [char; 8] = ['.', ',', ':', ';', '"', '\'', ']', ')'];

impl Reader {
    /// `now`: seconds since 1970, for times that say how far off they are.
    pub(super) fn read(text: &str, blocks: bool, now: i64) -> Self {
        let mut reader = Self { shown: String::new(), live: Vec::new(), now, blocks };
        let chars: Vec<char> = text.chars().collect();
        reader.part(&chars, true);
        reader
    }

    fn part(&mut self, chars: &[char], mut line_start: bool) {
        let mut at = 0;
        while at < chars.len() {
            let rest = &chars[at..];
            let begins_line = std::mem::replace(&mut line_start, rest[0] == '\n');
            let taken = if begins_line && self.blocks { self.line_mark(rest) } else { 0 };
            let taken = if taken > 0 { taken } else { self.inline(rest) };
            if taken > 0 {
                at += taken;
                continue;
            }
            self.shown.push(rest[0]);
            at += 1;
        }
    }

    fn live(&mut self, what: impl Into<String>, shown: &str) {
        self.live.push(what.into());
        self.shown.push_str(shown);
    }

    /// A mark at the beginning of a line; gives the characters that it takes, which are shown as they are.
    fn line_mark(&mut self, rest: &[char]) -> usize {
        let line: String = rest.iter().take_while(|c| **c != '\n').collect();
        let indent = line.len() - line.trim_start_matches(' ').len();
        let words = &line[indent..];
        let digits = words.chars().take_while(char::is_ascii_digit).count();
        let (mark, what) = if let Some(mark) = ["# ", "## ", "### "].into_iter().find(|m| indent == 0 && words.starts_with(m)) {
            (mark.len(), "heading")
        } else if indent == 0 && words.starts_with("-# ") {
            (3, "small")
        } else if indent == 0 && words.starts_with(">>> ") {
            (4, "quote")
        } else if words.starts_with("> ") {
            (2, "quote")
        } else if words.starts_with("- ") || words.starts_with("* ") {
            (2, "list")
        } else if digits > 0 && words[digits..].starts_with(". ") {
            (digits + 2, "list")
        } else {
            return 0;
        };
        if words[mark..].trim().is_empty() {
            return 0;
        }
        let taken: String = line.chars().take(indent + mark).collect();
        self.live(what, &taken);
        indent + mark
    }

    /// Something inside a line; gives the characters that it takes.
    fn inline(&mut self, rest: &[char]) -> usize {
        match rest[0] {
            '\\' => match rest.get(1) {
                Some(next) if next.is_ascii_punctuation() => {
                    self.shown.push(*next);
                    2
                }
                _ => 0,
            },
            '`' => self.code(rest),
            '*' | '_' | '~' | '|' => self.styled(rest),
            '<' => self.construct(rest),
            '[' => self.masked_link(rest),
            '@' => self.everybody(rest),
            'h' => self.address(rest),
            ':' => self.emoji(rest),
            _ => 0,
        }
    }

    fn code(&mut self, rest: &[char]) -> usize {
        let ticks = rest.iter().take_while(|c| **c == '`').count();
        let fence: Vec<char> = vec!['`'; ticks.min(3)];
        let Some(end) = (fence.len()..rest.len()).find(|at| rest[*at..].starts_with(&fence)).filter(|end| *end > fence.len()) else {
            return 0;
        };
        let inside: String = rest[fence.len()..end].iter().collect();
        let what = if fence.len() == 3 { "code block" } else { "code" };
        self.live(what, inside.trim_matches('\n'));
        end + fence.len()
    }

    fn styled(&mut self, rest: &[char]) -> usize {
        for (mark, what) in STYLES {
            let mark: Vec<char> = mark.chars().collect();
            if !rest.starts_with(&mark) {
                continue;
            }
            let Some(end) = closing(rest, &mark) else { continue };
            self.live.push(what.to_owned());
            self.part(&rest[mark.len()..end], false);
            return end + mark.len();
        }
        0
    }

    /// `<..>`: mentions, commands, times, emoji, addresses.
    fn construct(&mut self, rest: &[char]) -> usize {
        let Some(end) = rest.iter().position(|c| *c == '>' || *c == '\n').filter(|end| rest[*end] == '>') else { return 0 };
        let inside: String = rest[1..end].iter().collect();
        let is_id = |id: &str| !id.is_empty() && id.chars().all(|c| c.is_ascii_digit());
        let whole = format!("<{inside}>");
        let named = |sign: &str| inside.strip_prefix(sign).filter(|id| is_id(id));
        if let Some(role) = named("@&") {
            self.live(format!("role {role}"), &whole);
        } else if let Some(user) = named("@!").or_else(|| named("@")) {
            self.live(format!("user {user}"), &whole);
        } else if let Some(channel) = named("#") {
            self.live(format!("channel {channel}"), &whole);
        } else if let Some((command, _)) = inside.strip_prefix('/').and_then(|c| c.rsplit_once(':')).filter(|(_, id)| is_id(id)) {
            self.live(format!("command {command}"), &format!("/{command}"));
        } else if let Some((unix, style)) = time(&inside) {
            let words = said(unix, style, self.now);
            self.live(format!("time {unix} {style}"), &words);
        } else if let Some((name, _)) = emoji_of(&inside).filter(|(_, id)| is_id(id)) {
            self.live(format!("emoji {name}"), &format!(":{name}:"));
        } else if inside.starts_with("id:") && ["id:customize", "id:browse", "id:guide", "id:linked-roles"].contains(&inside.as_str()) {
            self.live(format!("channel {inside}"), &whole);
        } else if ["http://", "https://", "mailto:", "tel:"].iter().any(|scheme| inside.starts_with(scheme)) && !inside.contains(' ') {
            self.live(format!("link {inside}"), &inside);
        } else {
            return 0;
        }
        end + 1
    }

    fn masked_link(&mut self, rest: &[char]) -> usize {
        let Some(end) = closing(rest, &[']']) else { return 0 };
        if rest.get(end + 1) != Some(&'(') {
            return 0;
        }
        let Some(length) = rest[end + 2..].iter().position(|c| *c == ')') else { return 0 };
        let target: String = rest[end + 2..end + 2 + length].iter().collect();
        let url = target.trim().trim_matches(['<', '>']).split(' ').next().unwrap_or_default().to_owned();
        if !["http://", "https://", "discord://"].iter().any(|scheme| url.starts_with(scheme)) {
            return 0;
        }
        self.live.push(format!("link {url}"));
        self.part(&rest[1..end], false);
        end + 3 + length
    }

    fn everybody(&mut self, rest: &[char]) -> usize {
        for word in ["@everyone", "@here"] {
            if rest.starts_with(&word.chars().collect::<Vec<_>>()) {
                self.live(&word[1..], word);
                return word.len();
            }
        }
        0
    }

    fn address(&mut self, rest: &[char]) -> usize {
        let text: String = rest.iter().take_while(|c| !c.is_whitespace() && **c != '<').collect();
        if !["http://", "https://"].iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|more| !more.is_empty())) {
            return 0;
        }
        let url = text.trim_end_matches(NOT_LAST).to_owned();
        self.live(format!("link {url}"), &url);
        url.chars().count()
    }

    /// `:name:`, which clients show as a picture.
    fn emoji(&mut self, rest: &[char]) -> usize {
        let name: String = rest[1..].iter().take_while(|c| c.is_ascii_alphanumeric() || ['_', '+', '-'].contains(c)).collect();
        let begins = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '+' || c == '-');
        if name.len() < 2 || !begins || rest.get(1 + name.len()) != Some(&':') {
            return 0;
        }
        self.live(format!("emoji {name}"), &format!(":{name}:"));
        name.len() + 2
    }
}

/// Where the mark that begins `rest` is closed, over escapes; nothing in between is nothing.
fn closing(rest: &[char], mark: &[char]) -> Option<usize> {
    // The text of a masked link begins with another sign than it ends with.
    let opening = if mark == [']'] { 1 } else { mark.len() };
    let single = mark == ['*'] || mark == ['_'];
    if single && rest.get(opening).is_none_or(|c| c.is_whitespace()) {
        return None;
    }
    let mut at = opening;
    while at < rest.len() {
        if rest[at] == '\\' {
            at += 2;
            continue;
        }
        if at > opening && rest[at..].starts_with(mark) {
            let after = rest.get(at + mark.len());
            let in_a_word = mark == ['_'] && after.is_some_and(|c| c.is_alphanumeric() || *c == '_');
            let spaced = single && rest[at - 1].is_whitespace();
            if !in_a_word && !spaced {
                return Some(at);
            }
        }
        at += 1;
    }
    None
}

/// The name and the id of `:name:id` or `a:name:id`.
fn emoji_of(inside: &str) -> Option<(&str, &str)> {
    inside.strip_prefix(':').or_else(|| inside.strip_prefix("a:"))?.split_once(':')
}

/// The second and the style of `t:UNIX` or `t:UNIX:STYLE`.
fn time(inside: &str) -> Option<(i64, char)> {
    let (unix, style) = match inside.strip_prefix("t:")?.split_once(':') {
        Some((unix, style)) => (unix, style),
        None => (inside.strip_prefix("t:")?, "f"),
    };
    let style = style.chars().next().filter(|c| style.len() == 1 && "tTdDfFRsS".contains(*c))?;
    Some((unix.parse().ok()?, style))
}

/// A time in words, in UTC.
fn said(unix: i64, style: char, now: i64) -> String {
    let Some(time) = DateTime::from_timestamp(unix, 0) else { return format!("<t:{unix}:{style}>") };
    let form = match style {
        't' => "%H:%M",
        'T' => "%H:%M:%S",
        'd' => "%d/%m/%Y",
        'D' => "%-d %B %Y",
        'F' => "%A, %-d %B %Y %H:%M",
        's' => "%d/%m/%Y, %H:%M",
        'S' => "%d/%m/%Y, %H:%M:%S",
        'R' => return how_far(unix - now),
        _ => "%-d %B %Y %H:%M",
    };
    time.format(form).to_string()
}

/// As clients count: `in 58 minutes`, `2 hours ago`.
fn how_far(seconds: i64) -> String {
    const UNITS: [(i64, &str); 6] =
        [(31_536_000, "year"), (2_592_000, "month"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let far = seconds.abs();
    let (size, unit) = UNITS.into_iter().find(|(size, _)| far >= *size).unwrap_or(UNITS[5]);
    let count = (far + size / 2) / size;
    let words = format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    if seconds < 0 { format!("{words} ago") } else { format!("in {words}") }
}
