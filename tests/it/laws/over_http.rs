//! The same laws where the target is a server: the very tests, with another target under the rig.

use super::{
    counts, empty_after_apply, exported, order, ownership, plan_writes_nothing, pruning, reconciled, reconciled_faults,
    same_input, secrets, stale_plans,
};
use crate::rig::over_http;

macro_rules! over_http {
    ($($module:ident :: $test:ident;)+) => {$(
        #[test]
        fn $test() {
            over_http($module::$test);
        }
    )+};
}

over_http! {
    plan_writes_nothing::an_empty_apply_writes_nothing_either;
    empty_after_apply::after_apply_the_plan_is_empty_and_a_second_apply_writes_nothing;
    exported::an_export_plans_empty_and_exports_as_itself;
    order::order_changes_no_action;
    stale_plans::all_stale_addresses_are_listed_and_nothing_is_written;
    stale_plans::an_address_that_was_taken_meanwhile_is_stale;
    stale_plans::a_move_of_a_stale_object_is_reported_as_stale;
    stale_plans::the_binary_refuses_a_stale_plan_with_exit_code_6;
    stale_plans::a_saved_plan_is_applied_once_and_its_repetition_says_when;
    ownership::nothing_outside_the_selection_is_written;
    ownership::objects_made_by_hand_are_neither_changed_nor_pruned;
    pruning::only_what_is_managed_and_no_longer_wanted_is_removed;
    pruning::a_broken_manifest_never_leads_to_a_removal;
    pruning::an_empty_project_prunes_only_when_that_is_allowed;
    secrets::every_output_is_the_same_whatever_the_secrets_are;
    secrets::no_content_of_a_secret_is_in_any_output_or_file;
    counts::every_view_agrees_on_all_counts;
    reconciled::without_a_change_ticks_write_nothing_and_drift_is_corrected_once;
    reconciled::what_is_suspended_is_not_written;
    reconciled::what_is_left_alone_holds_up_nothing_but_what_needs_it;
    reconciled::drift_that_comes_back_after_three_corrections_is_left_to_a_person;
    reconciled_faults::a_clock_that_jumps_makes_no_tick_write_or_wait_longer;
    reconciled_faults::a_fight_is_seen_whatever_the_clocks_say;
    reconciled_faults::a_fight_is_told_by_the_tick_that_stops_it_whatever_is_suspended_meanwhile;
    reconciled_faults::a_lease_of_before_the_clock_was_set_back_holds_up_nobody;
    reconciled_faults::a_suspension_is_in_force_by_the_clock_of_the_target;
    reconciled_faults::what_is_suspended_in_the_middle_of_a_tick_is_not_written;
    reconciled_faults::a_repository_that_is_away_is_come_back_to_and_drift_is_healed_meanwhile;
    same_input::plan_takes_what_validate_takes_and_nothing_else;
}
