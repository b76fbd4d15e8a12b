//! The shell around the sessions: threads, listeners, the loop per connection, reload, drain, the audit's file.

mod relay;
