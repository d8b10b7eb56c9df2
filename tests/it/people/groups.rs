//! Who is in a group is asked at every press; what is only shown may be a minute old. One decision asks all its questions at
//! the same time.

use std::collections::BTreeMap;

use hallpass::{
    bot::{Chosen, Form},
    domain::{
        policy::{Catalogue, Group, Who},
        refusal::Refusal,
        time::Span,
    },
};

use super::{SLACK, members_are_people, workspace::Workspace, world};
use crate::world::World;

/// prod-db is asked for and approved by the members of two groups in Slack.
fn by_groups() -> Catalogue {
    let mut catalogue = members_are_people();
    for (id, at) in [("askers", "S1"), ("deciders", "S2")] {
        let group = Group { id: id.parse().unwrap(), members: Vec::new(), chats: BTreeMap::from([(SLACK, at.to_owned())]) };
        catalogue.groups.insert(group.id.clone(), group);
    }
    for policy in catalogue.policies.values_mut() {
        policy.may_ask = vec![Who::Group("askers".parse().unwrap())];
        policy.stages.truncate(1);
        policy.stages[0].approvers = vec![Who::Group("deciders".parse().unwrap())];
        policy.stages[0].ladder.clear();
    }
    catalogue
}

impl World {
    async fn form_of(&self, account: &str) -> Form {
        let chosen = Chosen { limit: 10, ..Chosen::default() };
        self.bot.form(SLACK, account, &chosen).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn a_removed_approver_is_refused_at_the_press_although_what_is_shown_still_has_them() {
    let workspace = Workspace::of(&super::ALL);
    workspace.group("S1", &["U1", "U2"]);
    workspace.group("S2", &["U2"]);
    let (world, _folder) = world(&workspace, by_groups()).await;
    world.reads_members().await;
    world.types("U1", "/jit request prod-db write 1h Unblock the stuck import").await.unwrap();
    let id = world.newest().await;
    world.types("U1", "/jit explain prod-db write").await.unwrap();
    workspace.group("S2", &[]);
    workspace.group("S1", &["U2"]);
    let asked = workspace.asked("group S2");
    world.types("U1", "/jit explain prod-db write").await.unwrap();
    assert_eq!(workspace.asked("group S2"), asked, "what is shown is the answer of a moment ago");
    assert!(matches!(world.types("U2", &format!("/jit approve {id}")).await, Err(Refusal::NotApprover { .. })));
    assert!(workspace.asked("group S2") > asked && !world.holds("u1", "write"));
    assert!(
        matches!(world.types("U1", "/jit request prod-db read 1h Unblock the stuck import").await, Err(Refusal::MayNotAsk { .. })),
        "an ask is a decision too"
    );
}

#[tokio::test]
async fn a_form_asks_again_only_after_a_minute() {
    let workspace = Workspace::of(&super::ALL);
    workspace.group("S1", &["U1"]);
    workspace.group("S2", &["U2"]);
    let (world, _folder) = world(&workspace, by_groups()).await;
    world.reads_members().await;
    let counts = || (workspace.asked("group S1"), workspace.asked("profile U1"));
    assert_eq!((world.form_of("U1").await.fitting, counts()), (2, (1, 1)));
    workspace.group("S1", &[]);
    world.clock.advance(Span::from_seconds(59));
    assert_eq!((world.form_of("U1").await.fitting, counts()), (2, (1, 1)));
    world.clock.advance(Span::from_seconds(1));
    assert_eq!((world.form_of("U1").await.fitting, counts()), (0, (2, 2)));
}

/// One after the other they would wait for each other until each is given up.
#[tokio::test]
async fn all_questions_of_one_decision_are_asked_side_by_side() {
    let workspace = Workspace::of(&super::ALL);
    workspace.group("S1", &["U1"]);
    workspace.group("S2", &["U2"]);
    let (world, _folder) = world(&workspace, by_groups()).await;
    world.reads_members().await;
    // Two groups, the presser, the subject.
    workspace.answers_only_together(4);
    let asked = world.types("U1", "/jit request prod-db write 1h help her --for @u3").await;
    assert_eq!(asked, Err(Refusal::MayNotAskFor { subject: "u3".parse().unwrap() }), "all were answered");
}
