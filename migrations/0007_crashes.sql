-- A listing that runs can be retried although another one waits: see ENQUEUE_LISTING.
-- Before the first start there is no queue yet.

do $$
begin
    if to_regclass('procrastinate_jobs') is not null then
        update procrastinate_jobs set queueing_lock = null where task_name = 'list_channel';
    end if;
end $$;
