//! What Discord says of people: by id, and by the role's id.

use hallpass::chat::Chat as _;

use super::{ANA, BEN, LEADS, Line, why};
use crate::{fakes::discord::GUILD, world::START};

const NOW: i64 = START.seconds();

#[tokio::test]
async fn only_full_members_of_the_guild_are_active() {
    let line = Line::new().await;
    let active = async |user: &str| line.chat.profile(user).await.unwrap().active;
    assert!(active(ANA).await && active(BEN).await);
    line.discord.robot("600000000000000003", "helper").stranger("600000000000000004", "Zed");
    assert!(!active("600000000000000003").await && !active("600000000000000004").await && !active("600000000000000099").await);
    line.discord.time_out(ANA, Some(NOW + 60)).pending(BEN, true);
    assert!(!active(ANA).await && !active(BEN).await);
    line.advance(60);
    line.discord.pending(BEN, false);
    assert!(active(ANA).await && active(BEN).await);
    line.discord.leave(BEN);
    assert!(!active(BEN).await);
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
    assert_eq!(line.chat.is_member(LEADS, BEN).await, Ok(false));
}

#[tokio::test]
async fn members_of_a_role_are_counted_and_never_listed() {
    let line = Line::new().await;
    assert_eq!(line.chat.member_count(LEADS).await, Ok(1));
    line.discord.role(LEADS, "db-leads", &[ANA, BEN]);
    assert_eq!(line.chat.member_count(LEADS).await, Ok(2));
    assert_eq!(line.chat.member_count("720000000000000099").await, Ok(0));
    assert!(why(line.chat.member_count(GUILD).await).contains("everybody"));
    assert!(!line.chat.lists_members() && why(line.chat.members(LEADS).await).contains("privileged intent"));
}
