//! What Discord says of people: by id, and by the role's id.

use hallpass::{
    chat::Chat as _,
    domain::members::{Bar, Presence},
};

use super::{ANA, BEN, LEADS, Line, why};
use crate::{
    fakes::discord::{Fault, GUILD},
    world::START,
};

const NOW: i64 = START.seconds();

#[tokio::test]
async fn who_is_there_who_may_not_act_for_now_and_who_is_nobody_of_the_guild() {
    let line = Line::new().await;
    let presence = async |user: &str| {
        // What it said before is good for a moment.
        line.advance(1);
        line.chat.profile(user).await.unwrap().presence
    };
    assert_eq!([presence(ANA).await, presence(BEN).await], [Presence::There; 2]);
    line.discord.robot("600000000000000003", "helper").stranger("600000000000000004", "Zed");
    for user in ["600000000000000003", "600000000000000004", "600000000000000099"] {
        assert_eq!(presence(user).await, Presence::Gone, "{user}");
    }
    line.discord.time_out(ANA, Some(NOW + 60)).pending(BEN, true);
    assert_eq!([presence(ANA).await, presence(BEN).await], [Bar::TimedOut, Bar::RulesUnread].map(Presence::Barred));
    line.advance(60);
    line.discord.pending(BEN, false);
    assert_eq!([presence(ANA).await, presence(BEN).await], [Presence::There; 2]);
    line.discord.leave(BEN);
    assert_eq!(presence(BEN).await, Presence::Gone);
}

/// So many people that Discord does not answer about all of them at once.
fn crowd(line: &Line) -> Vec<String> {
    let all: Vec<_> = (0..12).map(|n| format!("6100000000000000{n:02}")).collect();
    for user in &all {
        line.discord.person(user, "Somebody");
    }
    line.discord.enforce_limits(true);
    all
}

#[tokio::test]
async fn whoever_asks_about_the_same_person_at_once_shares_one_question() {
    let line = Line::new().await;
    let asked = || line.discord.requests_of("get_guild_member").len();
    let (there, leads, other) =
        tokio::join!(line.chat.profile(BEN), line.chat.is_member(LEADS, BEN), line.chat.is_member("720000000000000009", BEN));
    assert_eq!((there.unwrap().presence, leads, other, asked()), (Presence::There, Ok(true), Ok(false), 1));
    line.chat.is_member(LEADS, BEN).await.unwrap();
    assert_eq!(asked(), 1);
    line.advance(1);
    line.chat.is_member(LEADS, BEN).await.unwrap();
    assert_eq!(asked(), 2, "whoever decides later asks anew");
    line.discord.fail("get_guild_member", Fault::Status(503), 1);
    line.advance(1);
    assert!(super::is_transient(&line.chat.is_member(LEADS, BEN).await));
    assert_eq!(line.chat.is_member(LEADS, BEN).await, Ok(true), "that there was no answer is not remembered");
}

#[tokio::test]
async fn more_people_than_discord_answers_about_at_once_wait_for_their_turn() {
    let line = Line::new().await;
    let crowd = crowd(&line);
    let asked = futures_util::future::join_all(crowd.iter().map(|user| line.chat.profile(user)));
    for answer in line.meanwhile(asked).await {
        assert_eq!(answer.unwrap().presence, Presence::There);
    }
    assert_eq!((line.discord.requests_of("get_guild_member").len(), line.discord.refusals()), (12, Vec::new()));
}

#[tokio::test]
async fn what_can_wait_leaves_room_for_what_decides() {
    let line = Line::new().await;
    let crowd = crowd(&line);
    let mut asked = 0;
    while line.chat.has_room(&crowd[asked]) {
        line.chat.profile(&crowd[asked]).await.unwrap();
        asked += 1;
    }
    assert_eq!(asked, 3, "of five");
    assert!(line.chat.has_room(&crowd[0]), "what is known need not be asked");
    for user in &crowd[3..5] {
        line.chat.profile(user).await.unwrap();
    }
    assert_eq!((line.discord.requests_of("get_guild_member").len(), line.discord.refusals()), (5, Vec::new()));
    line.advance(2);
    assert!(line.chat.has_room(&crowd[5]));
}

#[tokio::test]
async fn roles_are_counted_with_one_question_whose_refusal_keeps_nobody_from_being_asked_about() {
    let line = Line::new().await;
    let counted = || line.discord.requests_of("guild_role_member_counts").len();
    let (one, other) = tokio::join!(line.chat.member_count(LEADS), line.chat.member_count("720000000000000009"));
    assert_eq!((one, other, counted()), (Ok(1), Ok(0), 1));
    line.advance(1);
    line.discord.fail("guild_role_member_counts", Fault::Code(50013), 1);
    assert!(why(line.chat.member_count(LEADS).await).contains("50013"));
    assert_eq!(line.chat.is_member(LEADS, BEN).await, Ok(true));
}

#[tokio::test]
async fn a_role_is_looked_up_by_its_id_for_one_account_at_a_time() {
    let line = Line::new().await;
    let other = "730000000000000001";
    line.discord.guild("700000000000000002", "elsewhere").join("700000000000000002", ANA).role_in(
        "700000000000000002",
        other,
        "db-leads",
        &[ANA],
    );
    assert_eq!(line.chat.is_member(LEADS, BEN).await, Ok(true));
    assert_eq!(line.chat.is_member(LEADS, ANA).await, Ok(false), "another guild's role of the same name is another");
    assert_eq!(line.chat.is_member(other, ANA).await, Ok(false));
    assert_eq!(line.chat.is_member(GUILD, ANA).await, Ok(true), "the role of everybody");
    line.discord.leave(BEN);
    line.advance(1);
    assert_eq!(line.chat.is_member(LEADS, BEN).await, Ok(false));
}

#[tokio::test]
async fn members_of_a_role_are_counted_and_never_listed() {
    let line = Line::new().await;
    assert_eq!(line.chat.member_count(LEADS).await, Ok(1));
    line.discord.role(LEADS, "db-leads", &[ANA, BEN]);
    line.advance(1);
    assert_eq!(line.chat.member_count(LEADS).await, Ok(2));
    assert_eq!(line.chat.member_count("720000000000000099").await, Ok(0));
    assert!(why(line.chat.member_count(GUILD).await).contains("everybody"));
    assert!(!line.chat.lists_members() && why(line.chat.members(LEADS).await).contains("privileged intent"));
}
