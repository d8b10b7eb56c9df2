//! People who come from a chat: its members count as people, or are found by their address; they are kept, asked for when
//! nobody knows them, and leave. What a list says that cannot be believed changes nothing.

mod bucket;
mod groups;
mod guild;
mod workspace;

use std::sync::Arc;

use hallpass::{
    bot::{Answer, Body},
    chat::Chat,
    clock::ManualClock,
    domain::{
        entitlement::Ownership,
        ids::PersonId,
        members::Rules,
        policy::{Catalogue, Platform},
        refusal::Refusal,
        request::{Ending, State},
        time::Span,
    },
    provider::pretend::Pretend,
    store::Store,
};

use self::workspace::Workspace;
use crate::{
    life::ASK,
    world::{START, World, catalogue},
};

const SLACK: Platform = Platform::Slack;
const ALL: [(&str, &str); 4] = [("U1", "Ida Noor"), ("U2", "Jon Abe"), ("U3", "Kim Roy"), ("U4", "Lea Sand")];

fn rules(people_from: Option<Platform>, match_email: Option<Platform>) -> Catalogue {
    let mut catalogue = Catalogue { members: Rules { people_from, match_email }, ..catalogue() };
    let ana = catalogue.people.get_mut(&"ana".parse().unwrap()).unwrap();
    ana.email = Some("Ana@example.org".into());
    catalogue
}

fn members_are_people() -> Catalogue {
    rules(Some(SLACK), None)
}

async fn store(folder: &tempfile::TempDir) -> Store {
    Store::open(&format!("sqlite:{}", folder.path().join("hallpass.db").display())).await.unwrap()
}

/// A bot in this workspace; the store's folder lives as long as it is held.
async fn world(workspace: &Arc<Workspace>, rules: Catalogue) -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (clock, pretend) = (Arc::new(ManualClock::new(START)), Arc::new(Pretend::new(Ownership::Shared)));
    let world = World::beside(store(&folder).await, clock, pretend, workspace.clone() as Arc<dyn Chat>, rules).await;
    (world, folder)
}

/// Another bot over the same store, provider and workspace.
async fn another(world: &World, workspace: &Arc<Workspace>, rules: Catalogue) -> World {
    World::beside(world.store.clone(), world.clock.clone(), world.pretend.clone(), workspace.clone() as Arc<dyn Chat>, rules).await
}

impl World {
    async fn reads_members(&self) {
        self.bot.read_roster().await.unwrap();
        self.workers.drain().await.unwrap();
    }

    /// What somebody types in Slack; the refusal, if it is one.
    async fn types(&self, account: &str, line: &str) -> Result<(), Refusal> {
        match self.from(SLACK, account, Body::Line { text: line.into() }).await {
            Answer::Said { .. } | Answer::Handed(_) => Ok(()),
            Answer::Refused(refusal) => Err(refusal),
        }
    }

    fn who(&self, account: &str) -> Option<PersonId> {
        self.bot.catalogue().person_at(SLACK, account).map(|person| person.id.clone())
    }

    /// Somebody of the workspace gets what ben approves; the request's id.
    async fn gets(&self, account: &str) -> String {
        self.types(account, ASK).await.unwrap();
        let id = self.newest().await;
        self.done("ben", &format!("/jit approve {id}")).await;
        assert!(self.holds(&account.to_lowercase(), "write"));
        id
    }

    async fn roster_alarm(&self) -> Option<String> {
        self.store.open_alarms().await.unwrap().into_iter().find(|alarm| alarm.id == "roster").map(|alarm| alarm.what)
    }

    async fn ledger(&self) -> String {
        let entries = self.store.entries("bot", 0, 1000).await.unwrap();
        entries.iter().map(|entry| String::from_utf8_lossy(&entry.bytes).into_owned() + "\n").collect()
    }
}

#[tokio::test]
async fn a_full_member_asks_and_holds_without_standing_in_bot_toml() {
    let workspace = Workspace::of(&ALL);
    let (world, _folder) = world(&workspace, members_are_people()).await;
    world.reads_members().await;
    world.gets("U1").await;
    let catalogue = world.bot.catalogue();
    assert_eq!(catalogue.people[&"u1".parse().unwrap()].name, "Ida Noor");
    assert_eq!(workspace.asked("member U1"), 0, "the list knew");
    assert_eq!(world.types("UGUEST", ASK).await, Err(Refusal::NotLinked), "no full member, nobody");
}

#[tokio::test]
async fn who_came_a_minute_ago_is_asked_for_at_once_and_kept() {
    let workspace = Workspace::of(&ALL);
    let (world, _folder) = world(&workspace, members_are_people()).await;
    world.reads_members().await;
    workspace.joins("U5", "Mo Kahn", None);
    world.gets("U5").await;
    assert_eq!(workspace.asked("member U5"), 1, "known from then on");
    let kept = world.store.members([SLACK]).await.unwrap();
    assert_eq!(kept[&SLACK]["U5"].member.name, "Mo Kahn");
}

#[tokio::test]
async fn a_chat_that_does_not_answer_who_it_is_is_a_refusal_with_that_reason() {
    let workspace = Workspace::of(&ALL);
    let (world, _folder) = world(&workspace, members_are_people()).await;
    workspace.is_down(true);
    assert_eq!(world.types("U1", ASK).await, Err(Refusal::CannotAskProfile { why: "slack is down".into() }));
    workspace.is_down(false);
    assert_eq!(world.types("U1", ASK).await, Ok(()));
}

#[tokio::test]
async fn members_are_nobody_where_the_configuration_does_not_say_so() {
    let workspace = Workspace::of(&ALL);
    let (world, _folder) = world(&workspace, rules(None, None)).await;
    world.reads_members().await;
    assert_eq!(world.types("U1", ASK).await, Err(Refusal::NotLinked));
    assert_eq!((workspace.asked("list"), workspace.asked("member U1")), (0, 0));
    world.bot.reload(members_are_people(), (*world.bot.providers()).clone()).await.unwrap();
    world.bot.roster_is_due().await;
    world.reads_members().await;
    assert_eq!(world.types("U1", ASK).await, Ok(()), "a reload is enough");
}

#[tokio::test]
async fn a_start_without_the_chat_knows_everybody() {
    let workspace = Workspace::of(&ALL);
    let (world, _folder) = world(&workspace, members_are_people()).await;
    world.reads_members().await;
    let id = world.gets("U1").await;
    workspace.is_down(true);
    let next = another(&world, &workspace, members_are_people()).await;
    assert_eq!(next.bot.catalogue().people[&"u2".parse().unwrap()].name, "Jon Abe");
    next.reads_members().await;
    next.bot.leavers().await.unwrap();
    assert!(matches!(next.state(&id).await.state, State::Active { .. }), "nobody left");
}

#[tokio::test]
async fn who_leaves_the_list_loses_what_they_hold_keeps_the_name_and_may_come_back() {
    let workspace = Workspace::of(&ALL);
    let (world, _folder) = world(&workspace, members_are_people()).await;
    world.reads_members().await;
    let held = world.gets("U1").await;
    world.advance(Span::from_seconds(1)).await;
    world.types("U1", "/jit request bastion login 2h look at the disks").await.unwrap();
    let asked = world.newest().await;
    workspace.lists(&["U2", "U3", "U4"]);
    world.reads_members().await;
    assert!(!world.holds("u1", "write"));
    assert!(matches!(world.ending(&held).await, Ending::Left) && matches!(world.ending(&asked).await, Ending::Left));
    let gone = world.bot.catalogue().people[&"u1".parse().unwrap()].clone();
    assert_eq!((gone.name.as_str(), gone.active), ("Ida Noor", false));
    workspace.leaves("U1");
    assert_eq!(world.types("U1", ASK).await, Err(Refusal::Inactive));
    workspace.joins("U1", "Ida Noor", None);
    assert_eq!(world.types("U1", ASK).await, Ok(()), "no need to wait for the next list");
    assert_eq!(world.roster_alarm().await, None);
}

#[tokio::test]
async fn who_is_deactivated_is_caught_by_the_profile_before_the_list() {
    let workspace = Workspace::of(&ALL);
    let (world, _folder) = world(&workspace, members_are_people()).await;
    world.reads_members().await;
    let id = world.gets("U1").await;
    workspace.leaves("U1");
    assert_eq!(world.types("U1", ASK).await, Err(Refusal::Inactive));
    world.bot.leavers().await.unwrap();
    world.workers.drain().await.unwrap();
    assert!(matches!(world.ending(&id).await, Ending::Left) && !world.holds("u1", "write"));
}

#[tokio::test]
async fn a_list_that_is_not_to_be_believed_changes_nothing_and_is_an_alarm_while_it_lasts() {
    let workspace = Workspace::of(&ALL);
    let (world, _folder) = world(&workspace, members_are_people()).await;
    world.reads_members().await;
    let id = world.gets("U1").await;
    let mut said = Vec::new();
    for wrong in [None, Some(&[][..]), Some(&["U4"][..])] {
        workspace.is_down(wrong.is_none());
        workspace.lists(wrong.unwrap_or(&["U4"]));
        world.reads_members().await;
        said.push(world.roster_alarm().await.unwrap());
        assert!(matches!(world.state(&id).await.state, State::Active { .. }) && world.holds("u1", "write"));
        assert!(world.bot.catalogue().people[&"u1".parse().unwrap()].active);
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    the members of slack cannot be read, and who comes or goes is noticed late; the log says why
    slack says that it has no members at all: that is not believed, and nothing was changed
    3 of 4 members of slack are gone at once: that is not believed, and nothing was changed; who was deactivated is refused all the same when they press something
    ");
    workspace.lists_all();
    world.reads_members().await;
    assert_eq!(world.roster_alarm().await, None);
    assert!(world.state(&id).await.is_open());
}

#[tokio::test]
async fn nobody_is_a_leaver_only_because_the_list_was_never_read() {
    let workspace = Workspace::of(&ALL);
    let mut before = rules(None, None);
    let mut gus = before.people[&"finn".parse().unwrap()].clone();
    (gus.id, gus.identities) = ("u3".parse().unwrap(), [(SLACK, "U3".to_owned())].into());
    before.people.insert(gus.id.clone(), gus);
    let (world, _folder) = world(&workspace, before).await;
    let id = world.gets("U3").await;
    workspace.is_down(true);
    world.bot.reload(members_are_people(), (*world.bot.providers()).clone()).await.unwrap();
    world.reads_members().await;
    world.bot.leavers().await.unwrap();
    assert!(matches!(world.state(&id).await.state, State::Active { .. }), "it is not known who there is");
    workspace.is_down(false);
    world.reads_members().await;
    world.bot.leavers().await.unwrap();
    assert!(matches!(world.state(&id).await.state, State::Active { .. }), "and he is there");
}

#[tokio::test]
async fn whom_another_process_met_is_no_leaver_here_and_is_granted_what_they_asked() {
    let workspace = Workspace::of(&ALL);
    let (here, _folder) = world(&workspace, members_are_people()).await;
    here.reads_members().await;
    let there = another(&here, &workspace, members_are_people()).await;
    workspace.joins("U5", "Mo Kahn", None);
    there.types("U5", ASK).await.unwrap();
    let id = there.newest().await;
    assert!(here.who("U5").is_none(), "only the other one was told");
    here.done("ben", &format!("/jit approve {id}")).await;
    assert!(here.holds("u5", "write"), "{:?}", here.state(&id).await);
    here.bot.leavers().await.unwrap();
    assert!(matches!(here.state(&id).await.state, State::Active { .. }));
}

#[tokio::test]
async fn an_account_is_found_by_its_confirmed_address_and_that_is_recorded_once() {
    let workspace = Workspace::of(&ALL);
    workspace.joins("U7", "Ana", Some("ana@EXAMPLE.org"));
    let (world, _folder) = world(&workspace, rules(None, Some(SLACK))).await;
    world.reads_members().await;
    assert_eq!(world.types("U7", ASK).await, Ok(()));
    assert_eq!(world.all().await[0].requester.as_str(), "ana");
    assert_eq!(world.types("U1", ASK).await, Err(Refusal::NotLinked), "the others are nobody");
    world.reads_members().await;
    let next = another(&world, &workspace, rules(None, Some(SLACK))).await;
    next.reads_members().await;
    assert_eq!(next.ledger().await.matches("slack U7 by e-mail").count(), 1, "{}", next.ledger().await);
    workspace.joins("U7", "Ana", None);
    next.reads_members().await;
    assert_eq!(next.types("U7", ASK).await, Err(Refusal::NotLinked));
    let ledger = next.ledger().await;
    assert!(ledger.contains("\"unlinked\"") && ledger.matches("slack U7 by e-mail").count() == 2, "{ledger}");
}

#[tokio::test]
async fn who_was_found_by_an_address_is_found_at_the_first_press_too() {
    let workspace = Workspace::of(&ALL);
    let (world, _folder) = world(&workspace, rules(Some(SLACK), Some(SLACK))).await;
    world.reads_members().await;
    workspace.joins("U7", "Ana", Some("ana@example.org"));
    assert_eq!(world.types("U7", ASK).await, Ok(()));
    assert_eq!(world.who("U7").unwrap().as_str(), "ana");
    assert!(!world.bot.catalogue().people.contains_key(&"u7".parse::<PersonId>().unwrap()), "nobody is there twice");
    workspace.leaves("U7");
    world.reads_members().await;
    assert!(!world.bot.catalogue().people[&"ana".parse().unwrap()].active, "her only account there has left");
}

#[tokio::test]
async fn an_address_of_two_accounts_is_nobodys() {
    let workspace = Workspace::of(&ALL);
    workspace.joins("U7", "Ana", Some("ana@example.org"));
    workspace.joins("U8", "Ana too", Some("ANA@example.org"));
    let (world, _folder) = world(&workspace, rules(None, Some(SLACK))).await;
    world.reads_members().await;
    assert_eq!((world.types("U7", ASK).await, world.types("U8", ASK).await), (Err(Refusal::NotLinked), Err(Refusal::NotLinked)));
}

#[tokio::test]
async fn a_code_from_elsewhere_wins_over_the_list_and_a_guest_cannot_use_one() {
    let workspace = Workspace::of(&ALL);
    let (world, _folder) = world(&workspace, rules(None, None)).await;
    let Answer::Said { data, .. } = world.from(Platform::Console, "ana", Body::Line { text: "/jit link".into() }).await else { panic!() };
    let code = data["code"].as_str().unwrap();
    assert_eq!(world.types("UGUEST", &format!("/jit link {code}")).await, Err(Refusal::Inactive));
    assert_eq!(world.types("U1", &format!("/jit link {code}")).await, Ok(()));
    world.bot.reload(members_are_people(), (*world.bot.providers()).clone()).await.unwrap();
    world.reads_members().await;
    assert_eq!(world.who("U1").unwrap().as_str(), "ana");
    assert!(!world.bot.catalogue().people.contains_key(&"u1".parse::<PersonId>().unwrap()));
    world.done("eve", "/jit unlink @ana slack").await;
    assert_eq!(world.who("U1").unwrap().as_str(), "u1", "then the account is its member's own");
}
