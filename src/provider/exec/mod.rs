//! Adapters in any language: a program that is started once per call, with one JSON object in and one out.
//! Carries and bounds; what is said is for `protocol`. Described in docs/adapters.md.

mod environment;
mod keeper;
mod process;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Value;

use self::process::{Launch, Lost, Ran};
pub use self::{
    environment::Environment,
    keeper::{VERB, keep, kept_by},
};
use super::{
    Fault, FaultKind,
    protocol::{Answer, Carrier, Fits, Outside, Secrets, compact, line},
};
use crate::domain::time::Span;

/// From asking a program to end until it is forced.
const GRACE: Span = Span::from_seconds(5);
/// Until everything of a run that was forced to end is gone and its answer is here.
const SLACK: Span = Span::from_seconds(2);
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What bot.toml says of such a provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Absolute path; it and its folders writable by root and the bot only.
    pub program: PathBuf,
    #[serde(default)]
    pub arguments: Vec<String>,
    /// What the program gets beside PATH and LANG; the place for secrets.
    #[serde(default)]
    pub environment: Environment,
    /// Sent along with every request but `describe`. Not for secrets.
    #[serde(default)]
    pub config: toml::Table,
}

/// An adapter that is a program.
pub type Exec = Outside<Program>;

/// The program, and what must not be told of it.
pub struct Program {
    launch: Launch,
    secrets: Secrets,
}

/// Whether nobody but root and us can change what would be run.
pub(super) fn runnable(program: &std::path::Path) -> Result<(), String> {
    process::check(program).map(drop)
}

impl Exec {
    /// Asks the program what it is, and agrees on a version of the protocol.
    /// # Errors
    /// It cannot be run, or is no adapter that can be used.
    pub async fn start(settings: Settings) -> Result<Self, Fault> {
        let invalid = |why: String| Fault::new(FaultKind::Invalid, why);
        let config = serde_json::to_value(&settings.config).map_err(|error| invalid(format!("config: {error}")))?;
        process::check(&settings.program).map_err(invalid)?;
        let mut environment = BTreeMap::from([("LANG".to_owned(), "C.UTF-8".into())]);
        environment.insert("PATH".into(), std::env::var_os("PATH").unwrap_or_else(|| PATH.into()));
        let mut values = Vec::new();
        for (name, secret) in &settings.environment.0 {
            let value = secret.read().map_err(invalid)?.expose_secret().to_owned();
            environment.insert(name.clone(), value.clone().into());
            values.push(value);
        }
        let secrets = Secrets::new(values);
        let launch = Launch { program: settings.program, arguments: settings.arguments, environment, grace: GRACE.std() };
        Self::met("exec", Program { launch, secrets: secrets.clone() }, config, secrets).await
    }
}

#[async_trait]
impl Carrier for Program {
    const SLACK: Span = Span::from_seconds(GRACE.seconds() + SLACK.seconds());
    const WELL: &'static str = "exit code 0";
    const LEAST: Duration = Duration::from_millis(200);
    const MAY_BE_ANOTHERS: bool = false;

    /// Rounded up: the whole group is ended at its deadline, whatever it was told.
    fn seconds(limit: Duration) -> u64 {
        limit.as_secs() + u64::from(limit.subsec_nanos() > 0)
    }

    async fn call(&self, op: &str, request: &Value, limit: Duration) -> Result<Answer, Fault> {
        let mut bytes = compact(request)?;
        bytes.push(b'\n');
        let ran = self.launch.run(bytes, limit).await.map_err(fault)?;
        log(&self.launch, op, &ran.log, &self.secrets);
        Ok(answer(ran))
    }
}

fn answer(ran: Ran) -> Answer {
    let fits = match ran.code {
        Some(0) => Fits::Answer,
        Some(1) => Fits::Error,
        _ => Fits::Nothing,
    };
    let ended = ran.code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
    Answer { bytes: ran.reply, fits, ended, otherwise: FaultKind::Ambiguous, retry_after: None }
}

fn fault(lost: Lost) -> Fault {
    match lost {
        Lost::NotStarted(why) => Fault::new(FaultKind::Transient, why),
        Lost::NoAnswer(why) => Fault::new(FaultKind::Ambiguous, why),
    }
}

/// Lines that speak of secrets are left out altogether.
fn log(launch: &Launch, op: &str, said: &[u8], secrets: &Secrets) {
    const TELLING: [&str; 5] = ["password", "secret", "token", "private key", "authorization"];
    for said in secrets.out_of(&String::from_utf8_lossy(said)).lines() {
        let lower = said.to_lowercase();
        let said = if TELLING.iter().any(|word| lower.contains(word)) { "[a line that speaks of a secret]" } else { said };
        tracing::info!(program = %launch.program.display(), op, said = line(said), "an adapter says");
    }
}
