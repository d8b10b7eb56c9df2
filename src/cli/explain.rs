//! (shape)
pub fn explain(
    _: &crate::domain::policy::Catalogue,
    _: &crate::domain::ids::PersonId,
    _: &crate::domain::ids::ResourceId,
    _: &crate::domain::ids::RoleName,
    _: Option<crate::domain::time::Span>,
) -> String {
    String::new()
}
