//! `demo --play`: a day in well under a minute. Every step is shown, and checked against the store, the files and the
//! messages that were really sent; the first that does not come out as it should is the error.

mod checks;

use anyhow::{anyhow, bail};

use self::checks::{certificate, certificate_is_refused, contains, expect, unchanged, until, version};
use super::{PLAYED, house::House, screen::Screen};
use crate::{
    domain::request::{Ending, Request, State},
    store::Filter,
};

const APPROVERS: &str = "#host-approvers";

/// Plays it; the first step that does not come out as it should is the error.
pub(super) async fn play(house: &House) -> anyhow::Result<()> {
    let mut screen = Screen::default();
    screen.say(&format!("The clock of this scenario runs {PLAYED} times as fast as a real one; certificates carry real times."));
    let mut stage = Stage { house, screen, news: house.console.subscribe() };
    let played = scenario(&mut stage).await;
    stage.catch_up();
    played?;
    stage.screen.say("\nEvery step came out as it should.");
    Ok(())
}

/// The house, and the screen that shows what happens in it.
pub(super) struct Stage<'a> {
    pub house: &'a House,
    pub screen: Screen,
    news: tokio::sync::broadcast::Receiver<crate::chat::console::Output>,
}

impl Stage<'_> {
    /// Shows what was sent since the last time.
    pub(super) fn catch_up(&mut self) {
        while let Ok(output) = self.news.try_recv() {
            self.screen.show(&output);
        }
    }

    pub(super) fn done(&mut self, what: &str) {
        self.catch_up();
        self.screen.say(&format!("  ✓ {what}"));
    }

    async fn say(&mut self, who: &str, line: &str) -> anyhow::Result<String> {
        self.catch_up();
        self.screen.say(&format!("\n{who}> {line}"));
        let answer = self.house.say(who, line).await?;
        self.screen.say(&answer);
        Ok(answer)
    }

    async fn ask(&mut self, who: &str, line: &str) -> anyhow::Result<String> {
        self.say(who, line).await?;
        let newest = self.house.bot.store().requests(&Filter { limit: 1, ..Filter::default() }).await?;
        let request = newest.first().ok_or_else(|| anyhow!("nothing was asked"))?;
        if request.requester.as_str() != who {
            bail!("the ask of {who} is missing");
        }
        Ok(request.id.to_string())
    }

    /// Presses a button that stands on a card or a private message now, by its number.
    async fn press(&mut self, who: &str, action: &str, id: &str, words: Option<&str>) -> anyhow::Result<String> {
        self.house.settled().await?;
        self.catch_up();
        let (number, button) = self
            .house
            .console
            .buttons(who)
            .into_iter()
            .find(|(_, button)| button.action == action && button.value.split('/').next() == Some(id))
            .ok_or_else(|| anyhow!("{who} sees no button {action} for {id}"))?;
        self.screen.say(&format!("\n{who}> press {number} {}   ({})", words.unwrap_or_default(), button.label));
        let answer = self.house.act(who, &button.action, &button.value, words).await?;
        self.screen.say(&answer);
        Ok(answer)
    }
}

async fn scenario(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let unanswered = stage.ask("finn", "/jit request bastion login 20m read the logs").await?;
    approved_and_returned(stage).await?;
    denied(stage).await?;
    let closed = |r: &Request| matches!(r.state, State::Closed { ending: Ending::Unanswered, .. });
    expect(stage, &unanswered, "the ask that nobody answered is closed", closed).await?;
    contains(stage, APPROVERS, "No answer yet: @oncall may decide now too", "it escalated to those on call first").await?;
    contains(stage, APPROVERS, "Nobody answered in 15 min. Closed. Ask again or try @oncall.", "its thread says what to do next").await?;
    contains(stage, "@finn", "Nobody answered in 15 min: login on bastion", "its asker was told").await
}

/// One access from the ask to the end.
async fn approved_and_returned(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let id = stage.ask("ana", "/jit request bastion login 10m look at the disk").await?;
    let who = stage.say("ben", "/jit explain @ana bastion login 10m").await?;
    if !who.contains("host-leads") {
        bail!("the explanation does not say who may answer");
    }
    stage.done("who may answer: the host-leads");
    wrong_presses(stage, &id).await?;
    stage.press("ben", "approve", &id, Some("only the disk")).await?;
    let active = expect(stage, &id, "granted", |r| matches!(r.state, State::Active { .. })).await?;
    let first = certificate(stage, &active, "10m")?;
    contains(stage, "@ana", "CertificateFile", "Ana was told privately how to connect").await?;
    contains(stage, APPROVERS, "Ana Reyes has login on bastion since", "the thread says since when").await?;
    expect(stage, &id, "warned before the end", |r| matches!(&r.state, State::Active { work, .. } if work.warned)).await?;
    contains(stage, "@ana", "login on bastion ends at", "Ana was warned, with what she can do about it").await?;
    let before = until(stage.house, &id).await?;
    stage.press("ana", "extend:30m", &id, None).await?;
    let longer = expect(stage, &id, "extended", |r| matches!(&r.state, State::Active { work, .. } if work.until > before)).await?;
    let second = certificate(stage, &longer, "30m more")?;
    if second.valid_before() <= first.valid_before() {
        bail!("the extended certificate ends no later than the first");
    }
    contains(stage, "@ana", "What you held ends at the old time; this takes its place", "Ana was given a longer certificate").await?;
    stage.press("ana", "return", &id, None).await?;
    let ended =
        |r: &Request| matches!(&r.state, State::Closed { ending: Ending::Returned { .. }, held: Some(held), .. } if held.gone_at.is_some());
    expect(stage, &id, "returned early, and read back as gone", ended).await?;
    certificate_is_refused(stage, &first)?;
    certificate_is_refused(stage, &second)?;
    contains(stage, APPROVERS, "Ended: Ana Reyes had login on bastion", "the thread closes with the summary").await?;
    contains(stage, APPROVERS, "Returned early by Ana Reyes · gone, confirmed at", "which says how it ended").await?;
    contains(stage, APPROVERS, "Ledger ", "and names the ledger's newest root").await
}

/// Presses of people who may not, which change nothing.
async fn wrong_presses(stage: &mut Stage<'_>, id: &str) -> anyhow::Result<()> {
    let before = version(stage.house, id).await?;
    stage.press("ana", "approve", id, None).await?;
    stage.press("cleo", "approve", id, None).await?;
    stage.press("cleo", "deny", id, Some("because")).await?;
    unchanged(stage, id, before, "the wrong people's presses changed nothing").await
}

/// A chain of two stages that a deny ends.
async fn denied(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let id = stage.ask("ana", "/jit request bastion root 1h I would like to").await?;
    let before = version(stage.house, &id).await?;
    stage.press("cleo", "deny", &id, Some("too early")).await?;
    unchanged(stage, &id, before, "security comes after the host-leads, not before").await?;
    stage.press("ben", "deny", &id, Some("use the ordinary login")).await?;
    expect(stage, &id, "denied", |r| matches!(r.state, State::Closed { ending: Ending::Denied { .. }, .. })).await?;
    contains(stage, APPROVERS, "Denied by Ben Okafor", "the thread says who denied it").await?;
    contains(stage, "@ana", "Ben Okafor says: \"use the ordinary login\"", "Ana was told why").await
}
