//! `hallpass doctor`: looks at everything that the bot needs before it is needed, and says for each finding what mends it.
//! A process of its own that only reads: it may be used before the first start and beside a running bot.

mod discord;
mod own;
mod places;
mod providers;
mod report;
mod slack;
mod words;

use std::{path::Path, process::ExitCode};

use self::report::Report;

/// Looks at the file, the store, the ledger's key, the systems that access is given in and, where they are, the apps in Slack and
/// Discord, and prints what it finds.
/// Gives 1 when something must be mended.
/// # Errors
/// Nothing can be printed.
pub(super) async fn doctor(path: &Path) -> anyhow::Result<ExitCode> {
    let mut report = Report::default();
    let config = own::file(path, &mut report);
    report.tell()?;
    if let Some(config) = config {
        own::store(&config, &mut report).await;
        own::ledger_key(&config, &mut report);
        report.tell()?;
        providers::look(&config, &mut report).await?;
        if let Some(app) = &config.slack {
            slack::look(&config, app, &mut report).await?;
            report.tell()?;
        }
        if let Some(application) = &config.discord {
            discord::look(&config, application, &mut report).await?;
        }
        if config.slack.is_none() && config.discord.is_none() {
            report.note("there is neither [slack] nor [discord]: no chat was looked at");
        }
    }
    report.end()
}
