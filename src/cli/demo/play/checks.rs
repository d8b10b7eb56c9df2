//! What a played step must have come to: in the store, in the files, in the messages that were sent.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{anyhow, bail};
use ssh_key::Certificate;

use super::Stage;
use crate::{
    cli::demo::house::{self, House},
    domain::{
        request::{Request, State},
        time::Instant,
    },
};

/// Real time that one step may take.
const PATIENCE: Duration = Duration::from_secs(25);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Waits until the request is so.
pub(super) async fn expect(stage: &mut Stage<'_>, id: &str, what: &str, is_so: impl Fn(&Request) -> bool) -> anyhow::Result<Request> {
    let began = std::time::Instant::now();
    loop {
        stage.catch_up();
        let request = load(stage.house, id).await?;
        if is_so(&request) {
            stage.house.settled().await?;
            stage.done(what);
            return Ok(request);
        }
        if began.elapsed() > PATIENCE {
            bail!("expected: {what}; it is {}", request.state.name());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Waits until a channel (or `@user`) shows this text.
pub(super) async fn contains(stage: &mut Stage<'_>, place: &str, text: &str, what: &str) -> anyhow::Result<()> {
    let began = std::time::Instant::now();
    while !stage.house.console.channel(place).contains(text) {
        if began.elapsed() > PATIENCE {
            bail!("expected: {what}; {place} does not show \"{text}\"");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    stage.done(what);
    Ok(())
}

/// Number of events so far.
pub(super) async fn version(house: &House, id: &str) -> anyhow::Result<u64> {
    Ok(load(house, id).await?.n)
}

pub(super) async fn unchanged(stage: &mut Stage<'_>, id: &str, before: u64, what: &str) -> anyhow::Result<()> {
    if version(stage.house, id).await? != before {
        bail!("expected: {what}");
    }
    stage.done(what);
    Ok(())
}

pub(super) async fn until(house: &House, id: &str) -> anyhow::Result<Instant> {
    match load(house, id).await?.state {
        State::Active { work, .. } => Ok(work.until),
        _ => bail!("it is not active"),
    }
}

async fn load(house: &House, id: &str) -> anyhow::Result<Request> {
    house.bot.store().request(&id.parse()?).await?.ok_or_else(|| anyhow!("{id} disappeared"))
}

/// What was given is a certificate for what was asked, on the asker's own key; `ssh-keygen`, where there is one, shows it.
pub(super) fn certificate(stage: &mut Stage<'_>, request: &Request, asked: &str) -> anyhow::Result<Certificate> {
    let certificate = house::certificate(request).ok_or_else(|| anyhow!("no certificate was given"))?;
    let public = std::fs::read_to_string(stage.house.keys.join(format!("{}_ed25519", request.subject)))?;
    let own = ssh_key::PrivateKey::from_openssh(public)?;
    if certificate.valid_before() <= certificate.valid_after() || certificate.valid_principals() != ["bastion:login"] {
        bail!("the certificate is not what was asked for");
    }
    if certificate.public_key() != own.public_key().key_data() {
        bail!("the certificate is not on the asker's own key");
    }
    let path = stage.house.keys.join("shown-cert.pub");
    std::fs::write(&path, certificate.to_openssh()? + "\n")?;
    if let Some(shown) = keygen(&["-L", "-f"], &path)? {
        if !shown.0 || !shown.1.contains("bastion:login") {
            bail!("ssh-keygen -L does not show the certificate: {}", shown.1);
        }
        stage.catch_up();
        stage.screen.say(&format!("$ ssh-keygen -L -f {}\n{}", path.display(), shown.1.trim_end()));
    }
    stage.done(&format!("a certificate for {asked}, {}", certificate.key_id()));
    Ok(certificate)
}

/// An sshd with the revocation list as it is now would refuse it.
pub(super) fn certificate_is_refused(stage: &mut Stage<'_>, certificate: &Certificate) -> anyhow::Result<()> {
    if !stage.house.ssh.is_revoked(certificate.serial()).map_err(|fault| anyhow!(fault.message))? {
        bail!("the certificate is not in the revocation list");
    }
    let path = stage.house.keys.join("shown-cert.pub");
    std::fs::write(&path, certificate.to_openssh()? + "\n")?;
    let list = stage.house.revocation_list.display().to_string();
    if let Some((passed, said)) = keygen(&["-Q", "-f", &list], &path)?
        && (passed || !said.contains("REVOKED"))
    {
        bail!("ssh-keygen -Q does not find the certificate revoked: {said}");
    }
    stage.done("its certificate is refused by the revocation list");
    Ok(())
}

/// Runs `ssh-keygen`: did it succeed, and what it said. None: there is none on this machine.
fn keygen(arguments: &[&str], path: &Path) -> anyhow::Result<Option<(bool, String)>> {
    match Command::new("ssh-keygen").args(arguments).arg(path).output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            Ok(Some((output.status.success(), String::from_utf8_lossy(&said).into_owned())))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
