//! Turns views into what a platform sends, by templates that are compiled in and can be overridden by a folder.
//! Text from people enters only through the platform's escape function; a template can never be made of it.

mod samples;
mod sections;
mod set;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use rand::{RngCore as _, SeedableRng as _, rngs::StdRng};
use serde::Serialize;
use serde_json::Value;

pub use sections::TemplateError;
pub use set::Folder;

use self::set::{Extra, Set};
use super::{
    Button, Message,
    alarms::AlarmPost,
    answers, console,
    digest::DigestPage,
    discord,
    marks::Marks,
    past,
    replies::ReplyView,
    slack,
    typing::Typing,
    view::{CardView, Reader},
};
use crate::{
    bot::{Around, Handed},
    domain::{
        explain::Outlook,
        ids::PersonId,
        policy::{Platform, Who},
        refusal::Refusal,
        request::Request,
    },
};

/// Every platform's folder of templates. A platform without one shows the console's plain text.
static FOLDERS: [&Folder; 3] = [&console::FOLDER, &slack::FOLDER, &discord::FOLDER];

/// The templates of all platforms, ours and the overrides.
#[derive(Debug)]
pub struct Templates {
    console: Arc<Set>,
    /// The console's words for platforms on which each piece of a command is an option.
    options: Arc<Set>,
    others: BTreeMap<Platform, Set>,
}

impl Templates {
    /// `folder` holds one folder per platform; a file there replaces ours of the same name.
    /// # Errors
    /// The first thing wrong with an override; nothing of it is used then.
    pub fn load(folder: Option<&Path>) -> Result<Self, TemplateError> {
        // What the marks of this process are made with.
        let number = StdRng::from_os_rng().next_u64();
        let words = |typing| Set::load(&console::FOLDER, folder, (number, typing), None).map(Arc::new);
        let (console, options) = (words(Typing::Line)?, words(Typing::Options)?);
        let load = |f: &'static Folder| {
            let words = if f.typing == Typing::Options { &options } else { &console };
            Ok((f.platform, Set::load(f, folder, (number, f.typing), Some(words.clone()))?))
        };
        let others = FOLDERS.iter().copied().filter(|f| f.platform != Platform::Console);
        let others = others.map(load).collect::<Result<_, TemplateError>>()?;
        Ok(Self { console, options, others })
    }

    /// How texts for this platform have their times.
    pub fn marks(&self, platform: Platform) -> Marks {
        self.on(platform).marks()
    }

    fn on(&self, platform: Platform) -> &Set {
        self.others.get(&platform).unwrap_or(&self.console)
    }

    fn sets(&self) -> impl Iterator<Item = &Set> {
        [&*self.console, &*self.options].into_iter().chain(self.others.values())
    }

    /// What went wrong with overrides since the last call; ours was used instead.
    pub fn take_troubles(&self) -> Vec<String> {
        self.sets().flat_map(Set::take_troubles).collect()
    }

    /// `reader`: whose catalogue says who has which account there.
    pub fn card(&self, platform: Platform, view: &CardView, reader: &Reader<'_>) -> Message {
        self.message(platform, "card", (view, None), (&view.buttons, &view.notify), reader)
    }

    pub fn reply(&self, platform: Platform, view: &ReplyView, reader: &Reader<'_>) -> Message {
        let said = (&view.data, view.late.as_deref());
        self.message(platform, &format!("reply/{}", view.name), said, (&view.buttons, &view.notify), reader)
    }

    pub fn direct(&self, platform: Platform, view: &ReplyView, reader: &Reader<'_>) -> Message {
        let said = (&view.data, view.late.as_deref());
        self.message(platform, &format!("direct/{}", view.name), said, (&view.buttons, &view.notify), reader)
    }

    /// An alarm that has no words of its own is shown with its one line.
    pub fn alarm(&self, platform: Platform, post: &AlarmPost, reader: &Reader<'_>) -> Message {
        let own = format!("alarm/{}", post.name);
        let section = if self.on(platform).has(&own) { own } else { "alarm/other".to_owned() };
        self.message(platform, &section, (&post.data, None), (&[], &post.notify), reader)
    }

    /// A message of a digest.
    pub(in crate::chat) fn digest(&self, page: &DigestPage, reader: &Reader<'_>) -> Message {
        self.message(reader.platform, "digest", (page, None), (&[], &[]), reader)
    }

    /// A line of a digest in words alone, by its name below `digest/`.
    pub(in crate::chat) fn digest_words(&self, name: &str, data: &Value, reader: &Reader<'_>) -> String {
        self.on(reader.platform).words().render(&format!("digest/{name}"), data)
    }

    /// What the lines of one message of a digest may take together there, in characters at their worst.
    pub(in crate::chat) fn digest_room(&self, platform: Platform) -> usize {
        self.on(platform).room()
    }

    /// One plain line under a headline that has no template of its own.
    pub fn line(&self, platform: Platform, text: &str) -> Message {
        let set = self.on(platform);
        Message { body: set.lines(text, &Extra::default()), buttons: Vec::new(), notify: Vec::new() }
    }

    fn message(
        &self,
        platform: Platform,
        section: &str,
        said: (&impl Serialize, Option<&str>),
        (buttons, notify): (&[Button], &[Who]),
        reader: &Reader<'_>,
    ) -> Message {
        self.on(platform).message(section, said, buttons, notify, reader.mentions(notify))
    }

    /// A page of the platform's own, such as a form, by its section.
    pub fn page(&self, platform: Platform, section: &str, data: &Value) -> String {
        self.on(platform).page(section, data)
    }

    /// An answer in words alone, for a page that shows lines.
    pub fn answer_words(&self, name: &str, data: &Value, reader: &Reader<'_>) -> String {
        let words = self.on(reader.platform).words();
        if past::NAMES.contains(&name) {
            return words.render("past", &self.past(name, data, reader));
        }
        words.render(&format!("answer/{name}"), &answers::dressed(data, reader))
    }

    /// A "no" in words alone, for a place that takes no markup.
    pub fn refusal_words(&self, platform: Platform, refusal: &Refusal, reader: &Reader<'_>) -> String {
        let (name, data) = answers::refusal(refusal, reader);
        self.marks(platform).plain(&self.on(platform).words().render(&format!("refusal/{name}"), &data))
    }

    /// How an ask would go, in words alone.
    pub fn before_words(&self, platform: Platform, outlook: &Outlook, reader: &Reader<'_>) -> String {
        self.marks(platform).plain(&self.on(platform).words().render("answer/explain", &answers::before(outlook, reader)))
    }

    /// A "no", in the presser's words and zone.
    pub fn refusal(&self, platform: Platform, refusal: &Refusal, reader: &Reader<'_>) -> String {
        let (name, data) = answers::refusal(refusal, reader);
        self.on(platform).render(&format!("refusal/{name}"), &data)
    }

    /// An answer of the bot, by its name; requests within `data` become lines.
    pub fn answer(&self, platform: Platform, name: &str, data: &Value, reader: &Reader<'_>) -> String {
        let set = self.on(platform);
        let topic = data.get("topic").and_then(Value::as_str).map(|topic| format!("help/{}", answers::topic(topic)));
        if let Some(section) = topic.filter(|section| name == "help" && set.has(section)) {
            return set.render(&section, &Value::Null);
        }
        if past::NAMES.contains(&name) {
            return set.render("past", &self.past(name, data, reader));
        }
        set.render(&format!("answer/{name}"), &answers::dressed(data, reader))
    }

    /// An answer about the past, its lines in words; None where it cannot be read, which is no page.
    fn past(&self, name: &str, data: &Value, reader: &Reader<'_>) -> Option<past::PastPage> {
        let words = self.on(reader.platform).words();
        past::page(name, data, reader, &|name, data| words.render(&format!("past/{name}"), data).trim().to_owned())
    }

    /// A credential, for its holder alone. What is made of it is sent to them and kept nowhere.
    pub fn handed(&self, platform: Platform, handed: &Handed, reader: &Reader<'_>) -> String {
        self.on(platform).render("answer/credential", &answers::handed(handed, reader))
    }

    /// One request, as its card has it, for this person.
    pub fn show(&self, platform: Platform, (request, to): (&Request, Option<&PersonId>), reader: &Reader<'_>, around: &Around) -> String {
        self.on(platform).render("answer/show", &answers::shown(request, to, reader, around))
    }

    /// How an ask would go, before it is sent.
    pub fn before(&self, platform: Platform, outlook: &Outlook, reader: &Reader<'_>) -> String {
        self.on(platform).render("answer/explain", &answers::before(outlook, reader))
    }

    /// Is there a section of this name in the console's folder? `refusal/frozen`, `help/request`.
    pub fn has(&self, section: &str) -> bool {
        self.console.has(section)
    }

    /// Every section of the console's folder, for tests that nothing is without words.
    pub fn names(&self) -> Vec<String> {
        self.console.names()
    }

    /// Renders every section of every platform with worst-case samples, and says what does not work. Nothing is sent.
    pub fn check(&self) -> Vec<String> {
        // Words that are wrong are found once for each way of typing.
        self.sets().flat_map(Set::check).collect::<BTreeSet<_>>().into_iter().collect()
    }
}
