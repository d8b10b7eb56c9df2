//! A card on a phone: forty columns, a field's name above what it says. What is needed to decide stands above the buttons without
//! scrolling.

use hallpass::{chat::console::wrap, domain::words::Texts};
use serde_json::Value;

use super::{Shown, groups, reading::text_of, there};
use crate::cards::{
    sample::{Story, texts},
    section,
};

const COLUMNS: usize = 40;
/// Lines that a small phone shows at once, besides Discord's own; and those of a first decision.
const LINES: usize = 24;
const DECIDING: usize = 22;

/// The card's lines above its buttons.
fn lines(card: &Value) -> Vec<String> {
    let mut seen = card.clone();
    for field in seen["embeds"][0]["fields"].as_array_mut().into_iter().flatten() {
        // The name has a line of its own.
        field["value"] = format!("\n{}", field["value"].as_str().unwrap()).into();
    }
    seen["components"] = Value::Array(Vec::new());
    let text = as_shown(&text_of(&seen));
    text.lines()
        .filter(|line| !line.is_empty())
        .flat_map(|line| wrap(line, COLUMNS).lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// With times and mentions about as long as a client shows them.
fn as_shown(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        let (sign, tail) = after.split_once('>').unwrap();
        out.push_str(before);
        out.push_str(match sign.rsplit(':').next().unwrap() {
            "f" => "24 November 2026 14:00",
            "d" => "24/11/2026",
            "T" => "14:00:00",
            "R" => "in 59 minutes",
            role if role.starts_with("@&") => "@db-leads",
            channel if channel.starts_with('#') => "#ops",
            _ => "@Ana Reyes",
        });
        rest = tail;
    }
    out + rest
}

#[test]
fn what_an_approver_needs_stands_above_the_buttons() {
    let shown = Shown::new(texts());
    let mut page = String::new();
    for (group, stories) in groups() {
        for (name, story) in stories {
            let lines = lines(&shown.card(&story));
            let most = if group == "Pending" { DECIDING } else { LINES };
            assert!(lines.len() <= most, "{group} {name}: {} lines\n{}", lines.len(), lines.join("\n"));
            page.push_str(&section(&format!("{group} {name}"), &lines.join("\n")));
        }
    }
    insta::assert_snapshot!("on a phone", page);
}

#[test]
fn the_longest_reason_leaves_room_for_whom_it_waits_for() {
    let long: Texts = texts().into_keys().map(|id| (id, "restart the import that hangs, ".repeat(32))).collect();
    let lines = lines(&Shown::new(long).card(&there(Story::asked())));
    let waiting = lines.iter().position(|line| line.starts_with("Waiting for")).unwrap();
    assert!(waiting <= 14 && lines.len() <= LINES, "{}", lines.join("\n"));
}
