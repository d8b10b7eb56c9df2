//! Rules of the adapter that need no server.
