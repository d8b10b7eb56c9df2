//! `demo --play`: a day in under a minute. Every step is checked against the store and the files, not against the screen.

use std::time::Duration;

use anyhow::{anyhow, bail};

use super::{PLAYED, house::House};
use crate::{
    domain::request::{Ending, Request, State},
    store::Filter,
};

/// Real time that one step may take.
const PATIENCE: Duration = Duration::from_secs(25);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Plays it; the first step that does not come out as it should is the error.
pub(super) async fn play(house: &House) -> anyhow::Result<()> {
    println!("The clock of this scenario runs {PLAYED} times as fast as a real one; certificates carry real times.\n");
    let mut screen = house.console.subscribe();
    let printer = tokio::spawn(async move {
        while let Ok(line) = screen.recv().await {
            println!("    {line}");
        }
    });
    let played = scenario(house).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    printer.abort();
    played?;
    println!("\nEvery step came out as it should.");
    Ok(())
}

async fn scenario(house: &House) -> anyhow::Result<()> {
    let first = ask(house, "ana", "/jit request bastion login 10m look at the disk").await?;
    say(house, "ben", "/jit explain @ana bastion login 10m").await?;
    press(house, "ana", "approve", &first, None).await?;
    expect(house, &first, "still waiting: nobody approves their own", |r| matches!(r.state, State::Pending { .. })).await?;
    press(house, "ben", "approve", &first, Some("only the disk")).await?;
    let active = expect(house, &first, "granted", |r| matches!(r.state, State::Active { .. })).await?;
    certificate(&active)?;
    expect(house, &first, "warned before the end", |r| matches!(&r.state, State::Active { work, .. } if work.warned)).await?;
    let before = until(house, &first).await?;
    say(house, "ana", &format!("/jit extend {first} 10m")).await?;
    expect(house, &first, "extended", |r| matches!(&r.state, State::Active { work, .. } if work.until > before)).await?;
    press(house, "ana", "return", &first, None).await?;
    let ended =
        |r: &Request| matches!(&r.state, State::Closed { ending: Ending::Returned { .. }, held: Some(held), .. } if held.gone_at.is_some());
    expect(house, &first, "returned early, read back as gone", ended).await?;
    if std::fs::metadata(&house.revocation_list)?.len() < 60 {
        bail!("the revocation list holds no certificate");
    }

    let second = ask(house, "finn", "/jit request bastion root 1h I would like to").await?;
    press(house, "cleo", "deny", &second, Some("too early")).await?;
    press(house, "ben", "deny", &second, Some("use the ordinary login")).await?;
    expect(house, &second, "denied", |r| matches!(r.state, State::Closed { ending: Ending::Denied { .. }, .. })).await?;

    let third = ask(house, "finn", "/jit request bastion login 20m read the logs").await?;
    expect(house, &third, "escalated", |r| matches!(&r.state, State::Pending { round } if round.rung == 1)).await?;
    expect(house, &third, "closed without an answer", |r| matches!(r.state, State::Closed { ending: Ending::Unanswered, .. })).await?;
    Ok(())
}

async fn say(house: &House, who: &str, line: &str) -> anyhow::Result<()> {
    println!("{who}> {line}");
    println!("{}\n", house.say(who, line).await?);
    Ok(())
}

async fn ask(house: &House, who: &str, line: &str) -> anyhow::Result<String> {
    say(house, who, line).await?;
    let newest = house.bot.store().requests(&Filter { limit: 1, ..Filter::default() }).await?;
    let request = newest.first().ok_or_else(|| anyhow!("nothing was asked"))?;
    if request.requester.as_str() != who {
        bail!("the ask of {who} is missing");
    }
    Ok(request.id.to_string())
}

async fn press(house: &House, who: &str, action: &str, id: &str, words: Option<&str>) -> anyhow::Result<()> {
    println!("{who} presses {action} {}", words.unwrap_or_default());
    println!("{}\n", house.act(who, action, id, words).await?);
    Ok(())
}

async fn until(house: &House, id: &str) -> anyhow::Result<crate::domain::time::Instant> {
    match house.bot.store().request(&id.parse()?).await?.map(|r| r.state) {
        Some(State::Active { work, .. }) => Ok(work.until),
        _ => bail!("it is not active"),
    }
}

async fn expect(house: &House, id: &str, what: &str, is_so: impl Fn(&Request) -> bool) -> anyhow::Result<Request> {
    let id = id.parse()?;
    let looking = async {
        loop {
            let request = house.bot.store().request(&id).await?.ok_or_else(|| anyhow!("{id} disappeared"))?;
            if is_so(&request) {
                return Ok::<_, anyhow::Error>(request);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await.map_err(|_| anyhow!("expected: {what}"))??;
    println!("  ✓ {what}");
    Ok(found)
}

/// What was given is a certificate that the outside would accept now.
fn certificate(request: &Request) -> anyhow::Result<()> {
    let State::Active { work, .. } = &request.state else { bail!("not active") };
    let line = work.how_to_connect.iter().flat_map(|how| how.lines()).find(|line| line.contains("-cert-v01@openssh.com"));
    let certificate = ssh_key::Certificate::from_openssh(line.ok_or_else(|| anyhow!("no certificate was given"))?)?;
    if certificate.valid_before() <= certificate.valid_after() || certificate.valid_principals() != ["bastion:login"] {
        bail!("the certificate is not what was asked for");
    }
    println!("  ✓ a certificate: {} for {:?}", certificate.key_id(), certificate.valid_principals());
    Ok(())
}
