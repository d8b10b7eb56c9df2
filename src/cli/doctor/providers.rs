//! The systems that access is given in: does each answer, and what does the bot's own account there lack or have too much of,
//! with the lines that mend it. Asks only what reads.

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time::timeout;

use super::report::Report;
use crate::{
    clock::SystemClock,
    config::{Config, ProviderConfig},
    provider::{Fault, FaultKind, Provider, Right, RightState, build},
};

/// For starting an adapter, and for each question to it, beside the time that it takes for itself.
const PATIENCE: Duration = Duration::from_mins(1);

/// Looks at every provider of the file.
/// # Errors
/// Nothing can be printed.
pub(super) async fn look(config: &Config, report: &mut Report) -> anyhow::Result<()> {
    for provider in &config.providers {
        one(config, provider, report).await;
        report.tell()?;
    }
    Ok(())
}

async fn one(config: &Config, provider: &ProviderConfig, report: &mut Report) {
    let name = format!("provider {}", provider.name);
    if let Some(file) = build::makes(&provider.kind).iter().find_map(|key| missing(provider, key)) {
        return report.fine(format!("{name}: {file} is made at the first start"));
    }
    let starting = build::build(&provider.kind, &provider.settings, Arc::new(SystemClock));
    let adapter = match timeout(PATIENCE, starting).await {
        Ok(Ok(adapter)) => adapter,
        Ok(Err(why)) => return report.broken(format!("{name}: {why}"), "mend what this line says, then run this again"),
        Err(_) => return report.broken(format!("{name}: it does not start within a minute"), "see what it waits for"),
    };
    match asked(adapter.as_ref(), adapter.health()).await {
        Ok(well) => report.fine(format!("{name}: {well}")),
        Err(fault) if fault.kind == FaultKind::Unsupported => report.fine(format!("{name}: it starts; it has no way to say how it is")),
        Err(fault) => return report.broken(format!("{name}: {fault}"), remedy(provider, fault.kind)),
    }
    let targets = targets(config, provider);
    match asked(adapter.as_ref(), adapter.rights(&targets)).await {
        Ok(rights) => judge(&name, &rights, report),
        Err(fault) if fault.kind == FaultKind::Unsupported => {}
        Err(fault) => report.broken(format!("{name}: its rights could not be looked at: {fault}"), remedy(provider, fault.kind)),
    }
}

/// A file of its settings that is not there.
fn missing(provider: &ProviderConfig, key: &str) -> Option<String> {
    let file = provider.settings.get(key)?.as_str()?;
    Some(file.to_owned()).filter(|file| !Path::new(file).exists())
}

/// An answer within the time that the adapter says it takes.
async fn asked<T>(adapter: &dyn Provider, question: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let most = PATIENCE.max(adapter.describe().deadline.std());
    let late = |_| Fault::new(FaultKind::Transient, format!("no answer within {} s", most.as_secs()));
    timeout(most, question).await.map_err(late)?
}

/// What the file gives through it, each once.
fn targets(config: &Config, provider: &ProviderConfig) -> Vec<Value> {
    let resources = config.catalogue.resources.values().filter(|resource| resource.provider == provider.name);
    let mut seen = BTreeSet::new();
    let targets = resources.flat_map(|resource| &resource.roles).map(|role| role.target.clone());
    targets.filter(|target| seen.insert(target.to_string())).collect()
}

fn judge(name: &str, rights: &[Right], report: &mut Report) {
    let fine: Vec<&str> = rights.iter().filter(|right| right.state == RightState::Fine).map(|right| right.what.as_str()).collect();
    if fine.len() == rights.len() {
        return report.fine(format!("{name}: its own account may do just what it needs: {}", fine.join(", ")));
    }
    for right in rights {
        let is = match right.state {
            RightState::Fine => continue,
            RightState::Lacks => "lacks",
            RightState::TooMuch => "may do more than it needs",
        };
        report.broken(format!("{name}: its own account {is}: {} ({})", right.what, right.why), lines(right));
    }
}

/// What mends it, line by line as it is to be run. A name with characters that a terminal obeys is not printed.
fn lines(right: &Right) -> String {
    if right.mend.iter().any(|line| line.chars().any(|c| c.is_control() || is_invisible(c))) {
        return "a name in it has characters that cannot be shown here: write the line by hand".into();
    }
    right.mend.join("\n      ")
}

const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// One line for somebody who does not know what to look at first.
fn remedy(provider: &ProviderConfig, kind: FaultKind) -> String {
    let name = &provider.name;
    match kind {
        FaultKind::Denied => format!("see that the user and the secret under [providers.{name}] are those that the system knows"),
        FaultKind::RateLimited => "wait as long as the system asks for, then run this again".into(),
        FaultKind::Transient | FaultKind::Ambiguous | FaultKind::Conflict => {
            format!("see that this machine reaches what [providers.{name}] names, and that it runs; then run this again")
        }
        _ => format!("correct [providers.{name}]"),
    }
}
