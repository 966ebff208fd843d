//! The tasks of a service that stopped lately: what tells why a deployment fails.

use std::cmp::Reverse;

use aws_sdk_ecs::types::{Container, DesiredStatus, Task, TaskStopCode};
use funade::facts::cause::{StoppedContainer, StoppedTask};
use funade::facts::names::{ClusterName, DeploymentId, EcsServiceName, Place};
use funade::world::CallError;

use super::moment;
use crate::errors::call_error;
use crate::world::AwsWorld;

/// Tasks that are looked at: the most that one `DescribeTasks` takes and one page of `ListTasks`
/// has. A service that loses more within the hour loses them for the same reason.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html>
const TASKS_MAX: i32 = 100;

/// What the id of a deployment begins with. Anything else that started a task is no deployment.
const DEPLOYMENT: &str = "ecs-svc/";

/// The tasks that stopped, the last first.
pub(super) async fn of(
    world: &AwsWorld,
    place: &Place,
    cluster: &ClusterName,
    service: &EcsServiceName,
) -> Result<Vec<StoppedTask>, CallError> {
    let subject = format!("{service} in {cluster} of {place}");
    let ecs = world.clients().of(place).ecs;
    let listed = ecs
        .list_tasks()
        .cluster(cluster.as_str())
        .service_name(service.as_str())
        .desired_status(DesiredStatus::Stopped)
        .max_results(TASKS_MAX)
        .send()
        .await
        .map_err(|error| call_error("ListTasks", &subject, &error))?;
    let arns = listed.task_arns.unwrap_or_default();
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let described = ecs
        .describe_tasks()
        .cluster(cluster.as_str())
        .set_tasks(Some(arns))
        .send()
        .await
        .map_err(|error| call_error("DescribeTasks", &subject, &error))?;
    Ok(last_first(described.tasks()))
}

fn last_first(tasks: &[Task]) -> Vec<StoppedTask> {
    let mut tasks: Vec<_> = tasks.iter().filter_map(read).collect();
    tasks.sort_by_key(|task| Reverse(task.stopped_at));
    tasks
}

fn read(task: &Task) -> Option<StoppedTask> {
    Some(StoppedTask {
        id: task.task_arn()?.rsplit('/').next()?.to_owned(),
        started_by: task
            .started_by()
            .filter(|by| by.starts_with(DEPLOYMENT))
            .and_then(|id| DeploymentId::parse(id).ok()),
        stop_code: task.stop_code().map(TaskStopCode::as_str).map(str::to_owned),
        reason: task.stopped_reason().map(str::to_owned),
        // Once its containers have ended, a task's network is taken down, which takes a while.
        stopped_at: moment(task.stopped_at().or(task.stopping_at())),
        containers: task.containers().iter().filter_map(read_container).collect(),
    })
}

fn read_container(container: &Container) -> Option<StoppedContainer> {
    Some(StoppedContainer {
        name: container.name()?.to_owned(),
        exit_code: container.exit_code(),
        reason: container.reason().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::primitives::DateTime;

    use super::*;

    fn task(id: &str) -> aws_sdk_ecs::types::builders::TaskBuilder {
        let arn = format!("arn:aws:ecs:eu-west-1:222222222222:task/acme/{id}");
        Task::builder().task_arn(arn)
    }

    #[test]
    fn a_task_says_who_started_it_and_how_it_ended() {
        let container = Container::builder()
            .name("app")
            .exit_code(137)
            .reason("OutOfMemoryError: Container killed due to memory usage")
            .build();
        let task = task("c13b4cb40f1f4fe4a2971f76ae5a47ad")
            .started_by("ecs-svc/2757582648257641111")
            .stop_code(TaskStopCode::EssentialContainerExited)
            .stopped_reason("Essential container in task exited")
            .stopped_at(DateTime::from_secs(1_795_330_000))
            .containers(container)
            .build();
        let read = read(&task).expect("it has an ARN");
        assert_eq!(read.id, "c13b4cb40f1f4fe4a2971f76ae5a47ad");
        let started_by = read.started_by.as_ref().map(DeploymentId::as_str);
        assert_eq!(started_by, Some("ecs-svc/2757582648257641111"));
        assert_eq!(read.stop_code.as_deref(), Some("EssentialContainerExited"));
        assert_eq!(read.containers[0].exit_code, Some(137));
    }

    #[test]
    fn the_last_to_stop_comes_first() {
        let at = DateTime::from_secs;
        let tasks = [
            task("first").stopping_at(at(5)).stopped_at(at(10)).build(),
            task("third").stopping_at(at(30)).build(),
            task("second").stopping_at(at(8)).stopped_at(at(20)).build(),
            task("unknown").build(),
        ];
        let ids: Vec<_> = last_first(&tasks).into_iter().map(|task| task.id).collect();
        assert_eq!(ids, ["third", "second", "first", "unknown"]);
    }
}
