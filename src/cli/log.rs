//! What is logged, and what never is, whatever `HALLPASS_LOG` says.

use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter,
    filter::filter_fn,
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    registry,
};

/// Libraries that log what they send: a socket's address with its ticket, a header with its token, a body with people's words,
/// a statement with names and with what a password is checked by.
const SILENT: [&str; 9] =
    ["slack_morphism", "serenity", "reqwest", "tokio_postgres", "tungstenite", "tokio_tungstenite", "hyper", "hyper_util", "h2"];

/// Writes what `filter` lets through, and nothing of the silent ones.
pub fn subscriber<W>(filter: EnvFilter, writer: W, ansi: bool) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let loud = filter_fn(|about| !SILENT.contains(&about.target().split("::").next().unwrap_or_default()));
    // Both see everything once. As filters of the layer they would keep, per thread, what the last question came to, and an
    // event after a library's mere question (`enabled!`) would be lost.
    registry().with(loud).with(filter).with(fmt::layer().with_writer(writer).with_ansi(ansi))
}
