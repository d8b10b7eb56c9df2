//! The post of an alarm, for operators: what is wrong, and what to do. Pure; the words are the templates'.

use serde_json::{Value, json};

use super::{
    replies::{owner, still_open},
    view::{Reader, card, headline},
};
use crate::{
    bot::Around,
    domain::{event::AlarmKind, policy::Who, request::Request},
    store::Alarm,
};

/// An alarm to be rendered by `alarm/<name>`.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmPost {
    /// The alarm's kind, which is its id up to the slash, or `over`.
    pub name: String,
    pub data: Value,
    /// Whom the platform is to mention.
    pub notify: Vec<Who>,
}

/// The post of an alarm; `about` is its request as it stands now.
pub(super) fn post(alarm: &Alarm, about: Option<(&Request, &Around)>, r: &Reader<'_>) -> AlarmPost {
    let kind = alarm.id.split('/').next().unwrap_or_default();
    let shown = about.and_then(|(request, around)| card(request, r, around));
    let line = about.map(|(request, _)| headline(request, r));
    let data = json!({
        "what": alarm.what, "since": r.moment(alarm.raised_at), "id": alarm.request, "line": line,
        "alarm": about.and_then(|(request, around)| still_open(request, r, around)).map(|line| line.data["alarm"].clone()),
        "residue": shown.as_ref().and_then(|c| c.held.as_ref()).map(|h| h.residue.clone()).unwrap_or_default(),
        "over": alarm.cleared_at.map(|at| r.moment(at)),
    });
    if alarm.cleared_at.is_some() {
        return AlarmPost { name: "over".to_owned(), data, notify: Vec::new() };
    }
    let ours = AlarmKind::ALL.iter().any(|k| k.name() == kind);
    let notify = about.filter(|_| ours).map(|(request, _)| owner(request, r)).unwrap_or_default();
    AlarmPost { name: kind.to_owned(), data, notify }
}
