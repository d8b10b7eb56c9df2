//! Embeds: each one's parts, and 6,000 characters over all of them.

use serde_json::Value;

use super::{Wrongs, join};

const MOST: usize = 10;
const TITLE: usize = 256;
const DESCRIPTION: usize = 4_096;
const FIELDS: usize = 25;
const FIELD_NAME: usize = 256;
const FIELD_VALUE: usize = 1_024;
const FOOTER: usize = 2_048;
const AUTHOR: usize = 256;
const URL: usize = 2_048;
const OVER_ALL: usize = 6_000;
const COLOURS: i64 = 0xff_ffff;

const KEYS: [&str; 11] = ["type", "url", "title", "color", "timestamp", "description", "author", "image", "thumbnail", "footer", "fields"];
/// Of these only the address is what a bot says; the rest Discord finds out itself.
const PICTURES: [&str; 2] = ["image", "thumbnail"];

pub(super) fn check(wrongs: &mut Wrongs, place: &str, value: Option<&Value>) {
    let mut all = 0;
    for (n, embed) in wrongs.list(place, value, 0, MOST).iter().enumerate() {
        all += check_one(wrongs, &join(place, n), embed);
    }
    if all > OVER_ALL {
        wrongs.add(place, "MAX_EMBED_SIZE_EXCEEDED", format!("Embed size exceeds maximum size of {OVER_ALL}"));
    }
}

/// Gives the characters that count.
fn check_one(wrongs: &mut Wrongs, place: &str, embed: &Value) -> usize {
    let Some(embed) = wrongs.object(place, embed, &KEYS) else { return 0 };
    let count = |text: Option<&str>| text.map_or(0, |t| t.chars().count());
    let mut all = 0;
    for (name, most) in [("title", TITLE), ("description", DESCRIPTION)] {
        all += count(wrongs.text(&join(place, name), embed.get(name), 0, most));
    }
    wrongs.number(&join(place, "color"), embed.get("color"), 0, COLOURS);
    wrongs.url(&join(place, "url"), embed.get("url"), URL);
    if embed.get("type").is_some_and(|kind| kind != "rich") {
        wrongs.add(&join(place, "type"), "BASE_TYPE_CHOICES", "Value must be one of ('rich',).");
    }
    if let Some(time) = wrongs.text(&join(place, "timestamp"), embed.get("timestamp"), 1, 64)
        && chrono::DateTime::parse_from_rfc3339(time).is_err()
    {
        wrongs.add(&join(place, "timestamp"), "DATE_TIME_TYPE_PARSE", "Could not parse this as an ISO8601 time.");
    }
    for (part, words, most, keys) in
        [("footer", "text", FOOTER, &["text", "icon_url"][..]), ("author", "name", AUTHOR, &["name", "url", "icon_url"][..])]
    {
        let place = join(place, part);
        let Some(part) = embed.get(part).filter(|p| !p.is_null()).and_then(|p| wrongs.object(&place, p, keys)) else { continue };
        all += count(Some(wrongs.words(&join(&place, words), part.get(words), most)));
        for url in ["url", "icon_url"] {
            wrongs.url(&join(&place, url), part.get(url), URL);
        }
    }
    let mut shows_pictures = false;
    for picture in PICTURES {
        let Some(shown) = embed.get(picture).filter(|p| !p.is_null()) else { continue };
        shows_pictures = true;
        let place = join(place, picture);
        if let Some(shown) = wrongs.object(&place, shown, &["url"]) {
            wrongs.url(&join(&place, "url"), shown.get("url"), URL);
        }
    }
    all += check_fields(wrongs, &join(place, "fields"), embed.get("fields"));
    if all == 0 && !shows_pictures {
        wrongs.required(&join(place, "description"));
    }
    all
}

fn check_fields(wrongs: &mut Wrongs, place: &str, fields: Option<&Value>) -> usize {
    let mut all = 0;
    for (n, field) in wrongs.list(place, fields, 0, FIELDS).iter().enumerate() {
        let place = join(place, n);
        let Some(field) = wrongs.object(&place, field, &["name", "value", "inline"]) else { continue };
        all += wrongs.words(&join(&place, "name"), field.get("name"), FIELD_NAME).chars().count();
        all += wrongs.words(&join(&place, "value"), field.get("value"), FIELD_VALUE).chars().count();
        wrongs.boolean(&join(&place, "inline"), field.get("inline"));
    }
    all
}
