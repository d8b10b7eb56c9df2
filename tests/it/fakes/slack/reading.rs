//! What a person reads of a message, as plain lines; and what in it is live (mentions, links, markup), so that a test can
//! prove that people's words are not.

use serde_json::Value;

/// The blocks as lines: buttons as `[Label]`, fields and pickers as `(what they show)`, dates by their fallback, mentions as
/// `<@U1>`. Without blocks, the text.
pub(crate) fn text_of(message: &Value) -> String {
    let Some(blocks) = message["blocks"].as_array().filter(|b| !b.is_empty()) else {
        return message["text"].as_str().unwrap_or_default().to_owned();
    };
    let mut lines: Vec<String> = message["title"]["text"].as_str().map(|title| format!("= {title} =")).into_iter().collect();
    for block in blocks {
        lines.extend(block_lines(block));
    }
    let foot: Vec<String> =
        ["submit", "close"].iter().filter_map(|name| message[*name]["text"].as_str()).map(|t| format!("[{t}]")).collect();
    if !foot.is_empty() {
        lines.push(foot.join(" "));
    }
    lines.join("\n")
}

fn words(text: &Value) -> String {
    text["text"].as_str().unwrap_or_default().to_owned()
}

fn block_lines(block: &Value) -> Vec<String> {
    let each = |list: &Value| list.as_array().cloned().unwrap_or_default();
    match block["type"].as_str().unwrap_or_default() {
        "divider" => vec!["---".to_owned()],
        "section" => {
            let mut lines: Vec<String> = block.get("text").map(words).into_iter().collect();
            lines.extend(each(&block["fields"]).iter().map(words));
            lines.extend(block.get("accessory").map(element));
            lines
        }
        "context" => vec![each(&block["elements"]).iter().map(context).collect::<Vec<_>>().join(" · ")],
        "actions" => vec![each(&block["elements"]).iter().map(element).collect::<Vec<_>>().join(" ")],
        "input" => vec![format!("{}: {}", words(&block["label"]), element(&block["element"]))],
        "rich_text" => each(&block["elements"]).iter().flat_map(rich).collect(),
        "image" => vec![format!("({})", block["alt_text"].as_str().unwrap_or_default())],
        _ => vec![block["text"].as_str().map_or_else(|| words(&block["text"]), str::to_owned)],
    }
}

fn context(item: &Value) -> String {
    if item["type"] == "image" { format!("({})", item["alt_text"].as_str().unwrap_or_default()) } else { words(item) }
}

fn element(element: &Value) -> String {
    match element["type"].as_str().unwrap_or_default() {
        "button" => format!("[{}]", words(&element["text"])),
        "image" => format!("({})", element["alt_text"].as_str().unwrap_or_default()),
        "overflow" => {
            let options = element["options"].as_array().cloned().unwrap_or_default();
            format!("[…: {}]", options.iter().map(|o| words(&o["text"])).collect::<Vec<_>>().join(", "))
        }
        _ => {
            let chosen = element["initial_option"]["text"]["text"].as_str();
            let typed = element["initial_value"].as_str();
            format!("({})", chosen.or(typed).or(element["placeholder"]["text"].as_str()).unwrap_or_default())
        }
    }
}

fn rich(part: &Value) -> Vec<String> {
    let items = part["elements"].as_array().cloned().unwrap_or_default();
    let line = |items: &[Value]| items.iter().map(leaf).collect::<String>();
    match part["type"].as_str().unwrap_or_default() {
        "rich_text_list" => items.iter().map(|item| format!("- {}", line(item["elements"].as_array().unwrap_or(&Vec::new())))).collect(),
        "rich_text_quote" => line(&items).lines().map(|text| format!("> {text}")).collect(),
        _ => vec![line(&items)],
    }
}

fn leaf(leaf: &Value) -> String {
    let text = |name: &str| leaf[name].as_str().unwrap_or_default().to_owned();
    match leaf["type"].as_str().unwrap_or_default() {
        "user" => format!("<@{}>", text("user_id")),
        "usergroup" => format!("<!subteam^{}>", text("usergroup_id")),
        "channel" => format!("<#{}>", text("channel_id")),
        "broadcast" => format!("<!{}>", text("range")),
        "emoji" => format!(":{}:", text("name")),
        "date" => leaf["fallback"].as_str().map_or_else(|| text("format"), str::to_owned),
        "link" => leaf["text"].as_str().map_or_else(|| text("url"), str::to_owned),
        _ => text("text"),
    }
}

/// Everything in a message or view that does something, in order: `user U1`, `usergroup S1`, `channel C1`,
/// `broadcast here`, `link URL`, `mrkdwn TEXT` for every text that is read as markup, and `text CONSTRUCT` for what stands in
/// `<>` in the text beside the blocks.
pub(crate) fn live_markup(message: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(text) = message["text"].as_str() {
        found.extend(text.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(inside, _)| format!("text <{inside}>")));
    }
    for name in ["title", "submit", "close", "blocks"] {
        live(&message[name], &mut found);
    }
    found
}

fn live(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| live(item, found)),
        Value::Object(object) => {
            let text = |name: &str| value[name].as_str().unwrap_or_default();
            match text("type") {
                "mrkdwn" => found.push(format!("mrkdwn {}", text("text"))),
                "markdown" => found.push(format!("markdown {}", text("text"))),
                "user" => found.push(format!("user {}", text("user_id"))),
                "usergroup" => found.push(format!("usergroup {}", text("usergroup_id"))),
                "channel" => found.push(format!("channel {}", text("channel_id"))),
                "broadcast" => found.push(format!("broadcast {}", text("range"))),
                _ => {}
            }
            if let Some(url) = object.get("url").or_else(|| object.get("image_url")).and_then(Value::as_str) {
                found.push(format!("link {url}"));
            }
            object.values().for_each(|inner| live(inner, found));
        }
        _ => {}
    }
}
