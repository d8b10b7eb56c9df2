//! Wraps plain text to a screen: continuation lines stand under the text of their line, and no word is ever broken, since
//! ids, roots and commands are copied by hand.

/// A label before the text of a line, such as `Why    `, is at most this wide.
const LABEL: usize = 9;

/// Each line wrapped on its own; one with a word that does not fit at all, such as a certificate, is left whole, so that
/// it can be copied. Anything narrower than 20 columns is taken as 20.
pub fn wrap(text: &str, width: usize) -> String {
    text.lines().map(|line| wrap_line(line, width.max(20))).collect::<Vec<_>>().join("\n")
}

fn wrap_line(line: &str, width: usize) -> String {
    if line.split(' ').any(|word| word.chars().count() > width) {
        return line.to_owned();
    }
    let text = line.trim_start_matches(' ');
    let start = line.len() - text.len();
    let (first, hanging) = (" ".repeat(start), " ".repeat(start + hang(text)));
    let options = textwrap::Options::new(width)
        .initial_indent(&first)
        .subsequent_indent(&hanging)
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
    textwrap::wrap(&whole_buttons(text), options).join("\n").replace('\u{a0}', " ")
}

/// No button is broken between its number and its words.
fn whole_buttons(text: &str) -> String {
    let mut inside = false;
    let hold = |c: char| {
        inside = (inside || c == '[') && c != ']';
        if inside && c == ' ' { '\u{a0}' } else { c }
    };
    text.chars().map(hold).collect()
}

/// Columns that the label takes; without one, two.
fn hang(text: &str) -> usize {
    let label = text.split("  ").next().unwrap_or_default();
    let after = &text[label.len()..];
    let wide = label.chars().count() + after.chars().take_while(|c| *c == ' ').count();
    if !after.trim().is_empty() && !label.contains(' ') && !label.starts_with('[') && wide <= LABEL { wide } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuation_lines_stand_under_the_text_and_no_word_is_broken() {
        let text = "Why    \"Unblock the stuck import of yesterday evening\"   OPS-4512\n    ✓ Ben Okafor approved 14:02:11\n[1 Approve]  [2 Approve less…]  [3 Deny…]";
        let shown = wrap(text, 30);
        assert_eq!(
            shown,
            "Why    \"Unblock the stuck\n       import of yesterday\n       evening\"   OPS-4512\n    ✓ Ben Okafor approved\n      14:02:11\n[1 Approve]  [2 Approve less…]\n  [3 Deny…]"
        );
        assert!(wrap(&"x".repeat(90), 30).contains(&"x".repeat(90)));
    }
}
