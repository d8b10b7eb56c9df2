//! Stories in which every text that comes from people or from a target is the worst that it can be.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::sample::Story;

/// The longest name that a chat's directory may bring.
const NAME: usize = 255;

/// The same story in these words, wherever somebody has some.
pub(crate) fn poisoned(mut story: Story, words: &str) -> Story {
    (story.request, story.last) = (put_in(&story.request, words), put_in(&story.last, words));
    let name: String = words.chars().take(NAME).collect();
    story.catalogue.people.values_mut().for_each(|person| person.name.clone_from(&name));
    for resource in story.catalogue.resources.values_mut() {
        resource.title.clone_from(&name);
        resource.roles.iter_mut().for_each(|role| role.title.clone_from(&name));
    }
    if let Some(stuck) = &mut story.around.stuck {
        (stuck.last_answer, stuck.by_hand) = (Some(words.to_owned()), words.to_owned());
    }
    story
}

fn put_in<T: Serialize + DeserializeOwned>(whole: &T, words: &str) -> T {
    fn put(value: &mut Value, key: &str, words: &str) {
        let free = ["gets", "by_hand", "why", "how_to_connect", "ticket", "residue", "last_answer"];
        match value {
            Value::String(text) if free.contains(&key) => words.clone_into(text),
            Value::Array(all) => all.iter_mut().for_each(|value| put(value, key, words)),
            Value::Object(map) => map.iter_mut().for_each(|(key, value)| put(value, key, words)),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(whole).unwrap();
    put(&mut value, "", words);
    serde_json::from_value(value).unwrap()
}
