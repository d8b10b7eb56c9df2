//! Values on their way through a template that makes JSON: sealed when they are put in, so that they can end no string and add no
//! key, and found again by the platform, which opens each in its place. Must not know a platform's markup.

use serde_json::Value;

use super::words::one_line;

/// Characters of Unicode's private use, which stand around a sealed value.
const OPEN: char = '\u{e004}';
const CLOSE: char = '\u{e005}';

/// A piece of a text that a template made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part<'t> {
    /// The template's own words.
    Own(&'t str),
    /// What was put in.
    Value(String),
}

/// Seals a value as one line. Numbers stay numbers, also where JSON wants them bare.
pub(super) fn seal(text: &str) -> String {
    if !text.is_empty() && text.len() < 16 && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.to_owned();
    }
    let text = one_line(text);
    let mut sealed = String::with_capacity(text.len() * 2 + 8);
    sealed.push(OPEN);
    for byte in text.bytes() {
        for half in [byte >> 4, byte & 15] {
            sealed.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
    }
    sealed.push(CLOSE);
    sealed
}

pub(super) fn holds_a_value(text: &str) -> bool {
    text.contains(OPEN)
}

/// What a template made, in order.
/// # Errors
/// A value was cut in two.
pub(super) fn parts(text: &str) -> Result<Vec<Part<'_>>, String> {
    let mut rest = text.split(OPEN);
    let mut parts = vec![Part::Own(rest.next().unwrap_or_default())];
    for part in rest {
        let (sealed, own) = part.split_once(CLOSE).ok_or("a value was cut in two")?;
        let digits: Vec<u8> = sealed.chars().filter_map(|c| c.to_digit(16)).filter_map(|d| u8::try_from(d).ok()).collect();
        let bytes = digits.chunks(2).map(|pair| (pair[0] << 4) | pair.get(1).copied().unwrap_or(0)).collect();
        parts.push(Part::Value(String::from_utf8(bytes).map_err(|_| "a value was cut in two")?));
        parts.push(Part::Own(own));
    }
    parts.retain(|part| *part != Part::Own(""));
    Ok(parts)
}

/// The text with every value as it was.
pub(super) fn opened(text: &str) -> Result<String, String> {
    let part = |part| match part {
        Part::Own(own) => own.to_owned(),
        Part::Value(value) => value,
    };
    Ok(parts(text)?.into_iter().map(part).collect())
}

/// A link to the web.
/// # Errors
/// It is something else.
pub(super) fn link(text: &str) -> Result<String, String> {
    let url = opened(text)?;
    let known = url.starts_with("https://") || url.starts_with("http://");
    if known && !url.contains(char::is_whitespace) { Ok(url) } else { Err("a link is no web address".to_owned()) }
}

/// The JSON that a template made; values are still sealed.
pub(super) fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(&without_spare_commas(text)).map_err(|error| format!("no JSON: {error}"))
}

/// Each part of a list ends with a comma in our templates, also the last one. Values are sealed, so a quote is the JSON's own.
fn without_spare_commas(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in text.chars() {
        if in_string {
            // A line of the template that goes on: nothing that is meant.
            if matches!(c, '\n' | '\r') {
                continue;
            }
            in_string = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
        } else if c == '"' {
            in_string = true;
        } else if c == ']' || c == '}' {
            let kept = out.trim_end().trim_end_matches(',').len();
            out.truncate(kept);
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_put_in_is_found_again_and_numbers_stay_bare() {
        let text = format!("a {} b {}", seal("\"}, {\\ \u{1f600}"), seal("42"));
        assert_eq!(parts(&text).unwrap(), [Part::Own("a "), Part::Value("\"}, {\\ \u{1f600}".into()), Part::Own(" b 42")]);
        assert_eq!(opened(&text).unwrap(), "a \"}, {\\ \u{1f600} b 42");
        assert!(seal("\"]").chars().all(|c| c != '"' && c != ']'));
    }

    #[test]
    fn a_value_that_was_cut_in_two_is_no_text() {
        let text = seal("Ben Okafor");
        assert_eq!(opened(&text[..text.len() - CLOSE.len_utf8()]), Err("a value was cut in two".to_owned()));
    }

    #[test]
    fn what_is_typed_as_a_sealed_value_is_text() {
        let typed = format!("{OPEN}3c21{CLOSE}");
        assert_eq!(opened(&seal(&typed)).unwrap(), typed);
    }

    #[test]
    fn commas_inside_texts_stay() {
        assert_eq!(json(r#"{"text":"a,] \",}","blocks":[1,2,],}"#).unwrap(), json!({ "text": "a,] \",}", "blocks": [1, 2] }));
    }

    #[test]
    fn only_web_addresses_are_links() {
        assert_eq!(link(&seal("https://a.example/x")).unwrap(), "https://a.example/x");
        for text in ["javascript:alert(1)", "https://a b", "a"] {
            assert!(link(&seal(text)).is_err(), "{text}");
        }
    }
}
