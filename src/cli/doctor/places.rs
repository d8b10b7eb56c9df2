//! Where a file posts on a chat, and for what.

use std::collections::BTreeMap;

use crate::{config::Config, domain::policy::Platform};

/// This chat's channels of the file, each with what is posted there.
pub(super) fn used(config: &Config, platform: Platform) -> BTreeMap<String, Vec<String>> {
    let mut used: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let resources = config.catalogue.resources.values();
    let cards = resources.flat_map(|resource| resource.channels.iter().map(move |channel| (channel, resource.id.to_string())));
    let alarms = config.alarm_channels.iter().map(|channel| (channel, "alarms".to_owned()));
    let digests = config.catalogue.digests.iter().flat_map(|rules| rules.channels.iter().map(|channel| (channel, "the digest".to_owned())));
    for (channel, what) in cards.chain(alarms).chain(digests).filter(|(channel, _)| channel.platform == platform) {
        used.entry(channel.id.clone()).or_default().push(what);
    }
    used
}
