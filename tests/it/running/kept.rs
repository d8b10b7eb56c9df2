//! The copy of the last file that loaded, and the ledger's key: what goes wrong with either keeps nothing from ending.

use super::*;

fn blocks_the_copy(house: &House) {
    // Root may write into a folder that is read-only: a folder in the way stops everybody.
    fs::create_dir(house.at("bot.toml.last-good.new")).unwrap();
}

fn alarms(house: &House, id: &str, open: bool) -> usize {
    let text = house.read("alarms");
    let lines = text.lines().filter(|line| line.contains(&format!("\"id\":\"{id}\"")) && line.contains("\"cleared_at\":null") == open);
    lines.count()
}

#[tokio::test]
async fn a_copy_that_cannot_be_kept_is_an_alarm_and_keeps_nothing_from_ending() {
    let house = House::new();
    let [first, _] = house.held(Span::from_seconds(4)).await;
    blocks_the_copy(&house);
    let mut bot = house.start();
    bot.until("the alarm's program got it", |_| alarms(&house, "copy", true) > 0).await;
    closed(&house.url(), &mut bot, &first).await;
    bot.until("what was approved is granted", |_| house.doors() == ["finn"]).await;
    // A reload is put in force all the same, and says that it was.
    fs::write(house.at("bot.toml"), house.text() + "title = 'the database'\n").unwrap();
    bot.signal(Signal::HUP);
    bot.until("taken", |bot| bot.said().contains("reloaded")).await;
    assert!(!bot.said().contains("reload refused"), "{}", bot.said());
    fs::remove_dir(house.at("bot.toml.last-good.new")).unwrap();
    bot.signal(Signal::HUP);
    bot.until("the alarm is over", |_| alarms(&house, "copy", false) > 0).await;
    assert_eq!(house.read("bot.toml.last-good"), house.read("bot.toml"));
    bot.stop().await;
}

#[tokio::test]
async fn a_file_for_other_systems_is_not_in_force_while_its_copy_cannot_be_kept() {
    let house = House::new();
    let mut bot = house.start();
    bot.stop().await;
    let before = house.read("bot.toml.last-good");
    blocks_the_copy(&house);
    // Nothing is held, so that nothing else is in the way; were it taken, a later start would end what it gave elsewhere.
    house.program("other-door", DOOR);
    let other = house.text().replace("/door'", "/other-door'");
    fs::write(house.at("bot.toml"), &other).unwrap();
    let mut bot = house.start();
    bot.until("refused at the start", |_| alarms(&house, "policy", true) > 0).await;
    assert!(bot.said().contains("the one that is there is for other systems"), "{}", bot.said());
    bot.signal(Signal::HUP);
    bot.until("refused at a reload", |bot| bot.said().contains("reload refused")).await;
    assert_eq!(house.read("bot.toml.last-good"), before);
    fs::remove_dir(house.at("bot.toml.last-good.new")).unwrap();
    bot.signal(Signal::HUP);
    bot.until("taken", |bot| bot.said().contains("reloaded")).await;
    assert_eq!(house.read("bot.toml.last-good"), other);
    bot.stop().await;
}

#[tokio::test]
async fn what_is_kept_is_the_text_that_was_loaded_whatever_stands_in_the_file_by_then() {
    let house = House::new();
    // The adapter breaks the file while it is asked what it is: after the file was read, before it is put in force.
    let breaks = "describe) if [ -e \"$here/broken\" ]; then cp \"$here/broken\" \"$here/bot.toml\"; fi; echo";
    house.program("door", &DOOR.replace("describe) echo", breaks));
    fs::write(house.at("broken"), "this is no toml").unwrap();
    let mut bot = house.start();
    bot.until("it runs", |bot| bot.said().contains("hallpass runs")).await;
    assert_eq!(house.read("bot.toml"), "this is no toml");
    assert_eq!(house.read("bot.toml.last-good"), house.text());
    let second = house.text() + "title = 'the database'\n";
    fs::write(house.at("bot.toml"), &second).unwrap();
    bot.signal(Signal::HUP);
    bot.until("taken", |bot| bot.said().contains("reloaded")).await;
    assert_eq!(house.read("bot.toml"), "this is no toml");
    assert_eq!(house.read("bot.toml.last-good"), second);
    bot.stop().await;
}

#[tokio::test]
async fn operators_hear_of_a_refused_reload_until_a_file_is_taken() {
    let house = House::new();
    let mut bot = house.start();
    bot.until("it runs", |bot| bot.said().contains("hallpass runs")).await;
    fs::write(house.at("bot.toml"), "this is no toml").unwrap();
    bot.signal(Signal::HUP);
    bot.until("the alarm's program got it", |_| alarms(&house, "policy", true) > 0).await;
    let alarm: serde_json::Value = serde_json::from_str(house.read("alarms").lines().next().unwrap()).unwrap();
    let what = alarm["what"].as_str().unwrap();
    assert!(what.ends_with("bot.toml is refused: what was in force before goes on; the log says why"), "{what}");
    fs::write(house.at("bot.toml"), house.text()).unwrap();
    bot.signal(Signal::HUP);
    bot.until("the alarm is over", |_| alarms(&house, "policy", false) > 0).await;
    bot.stop().await;
}

#[tokio::test]
async fn a_ledger_key_that_cannot_be_used_grants_nothing_ends_on_time_and_alarms() {
    let house = House::new();
    let [first, second] = house.held(Span::from_seconds(4)).await;
    fs::write(house.at("key"), "no key at all").unwrap();
    fs::set_permissions(house.at("key"), fs::Permissions::from_mode(0o640)).unwrap();
    let mut bot = house.start();
    bot.until("the alarm's program got it", |_| alarms(&house, "ledger", true) > 0).await;
    // Not even a reload begins anything.
    bot.signal(Signal::HUP);
    bot.until("taken", |bot| bot.said().contains("reloaded")).await;
    bot.until("what ends is taken away", |_| house.doors().is_empty()).await;
    closed(&house.url(), &mut bot, &first).await;
    bot.stop().await;
    assert!(house.doors().is_empty(), "nothing is granted");
    fs::remove_file(house.at("key")).unwrap();
    let mut bot = house.start();
    bot.until("what was approved is granted", |_| house.doors() == ["finn"]).await;
    bot.until("the alarm is over", |_| alarms(&house, "ledger", false) > 0).await;
    bot.stop().await;
    let store = Store::open(&house.url()).await.unwrap();
    is_expired(&store, &first).await;
    assert!(store.request(&second.parse().unwrap()).await.unwrap().unwrap().is_open());
}
