//! Whether the fake is as strict as it says.
