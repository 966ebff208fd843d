"""The real stack without AWS: template.yaml and the real `bootstrap` binaries on an emulator.

What is here starts the emulator (ministack) behind the recording proxy, packages the functions,
makes the hub's stack and the members' stacks through CloudFormation, and runs `funade` against them.

The emulator checks signatures and IAM (`AUTH=true`): a right that a template forgets fails here.
"""

import contextlib
import functools
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from samtranslator.yaml_helper import yaml_parse

from recorder import Recorder
from waiting import STACK_SECONDS, START_SECONDS, STOP_SECONDS, wait_until

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"
MEMBER_TEMPLATE = ROOT / "member.yaml"

#: The hub's account and Region: those of the registry in examples/fleet.
HUB_ACCOUNT = "999999999999"
HUB_REGION = "ap-northeast-1"
STACK_NAME = "funade"
MEMBER_ROLE = "funade-member"

#: The role that operators look with: the default of both templates.
OPERATOR_ROLE = "funade-operator"

#: What the emulator takes for every account's root key.
ROOT_SECRET = "test"

#: The `docker` module with which the emulator's ECS starts containers: what it does is told there.
STAND_IN = Path(__file__).with_name("docker_stand_in")

#: How many lines of the emulator's log are worth showing when something failed.
LOG_TAIL_LINES = 60

_CODE_BUCKET = "funade-code"

#: The bucket that gets the fleet's page.
REPORT_BUCKET = "funade-fleet-page"
_OPERATOR = "operator"


@dataclass(frozen=True)
class Binaries:
    """What `cargo build --workspace` made."""

    image_push: Path
    parameter_change: Path
    service_event: Path
    sweep: Path
    notify: Path
    deploy: Path
    funade: Path

    @classmethod
    def built(cls) -> "Binaries":
        """Those of the dev profile; fails, saying what to run, if one is missing."""
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        if not target.is_absolute():
            target = ROOT / target
        names = ("image-push", "parameter-change", "service-event", "sweep", "notify", "deploy", "funade")
        found = cls(*(target / "debug" / name for name in names))
        missing = [path.name for path in astuple(found) if not path.exists()]
        if missing:
            raise FileNotFoundError(f"not built: {', '.join(missing)}; run: cargo build --workspace")
        return found


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


#: Makes a client of a service, for an account and a Region (the hub's, if not named).
Clients = Callable[..., Any]


def clients(url: str) -> Clients:
    """Clients that have all rights in each account of the emulator at `url`."""

    def client(service: str, account: str = HUB_ACCOUNT, region: str = HUB_REGION):
        return boto3.client(
            service,
            endpoint_url=url,
            region_name=region,
            # An account's number is its root key's id.
            aws_access_key_id=account,
            aws_secret_access_key=ROOT_SECRET,
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    return functools.cache(client)


class Emulator:
    """The emulator's process and the proxy before it. Use it with `with`."""

    def __init__(self, log_level: str = "DEBUG", containers: bool = False):
        """`log_level` is the functions': all that they can be made to say, if tests are to look through it.

        With `containers`, tasks have some, with the fates that `decide` gives them, and deployments take
        their time and can fail. Without, each deployment is completed at once.
        """
        self.log_level = log_level
        self._containers = containers
        self._port = _free_port()
        self._directory = Path(tempfile.mkdtemp(prefix="funade-stack-"))
        self._process: subprocess.Popen | None = None
        self.recorder = Recorder(self._port, HUB_ACCOUNT)
        #: The emulator itself, past the proxy: for what tests do, so that it is not recorded.
        self.url = f"http://127.0.0.1:{self._port}"
        self.client = clients(self.url)

    def __enter__(self) -> "Emulator":
        self.recorder.start()
        # A clean environment, as the functions inherit it.
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._directory),
            "TMPDIR": str(self._directory),
            "LANG": "C.UTF-8",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self._port),
            "IOT_MTLS_ENABLED": "0",
            "AUTH": "true",
            "AWS_ENDPOINT_URL": self.recorder.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            # What the template's LogLevel becomes in Lambda.
            "AWS_LAMBDA_LOG_LEVEL": self.log_level,
        }
        if self._containers:
            self.decide({})
            environment |= {"PYTHONPATH": str(STAND_IN), "STAND_IN_FATES": str(self._fates)}
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("emulator.py")],
                env=environment,
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A process group of its own, which the functions belong to as well.
                start_new_session=True,
            )
        try:
            wait_until("the emulator is ready", self._ready, START_SECONDS)
        except BaseException:
            print(self.log_tail(), file=sys.stderr)
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if self._process is not None:
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                pass
            # Functions that outlived it, too.
            self._signal(signal.SIGKILL)
            self._process.wait()
        self.recorder.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass

    def _ready(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"the emulator ended with {self._process.returncode}")
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=5) as response:
                return response.status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    @property
    def log(self) -> Path:
        """The emulator's log, which has the functions' output as well."""
        return self._directory / "emulator.log"

    @property
    def directory(self) -> Path:
        return self._directory

    @property
    def _fates(self) -> Path:
        return self._directory / "fates.json"

    def decide(self, fates: dict[str, str]) -> None:
        """What becomes of containers that are started from now on; which fates there are, the stand-in tells."""
        written = self._fates.with_suffix(".new")
        written.write_text(json.dumps(fates))
        written.replace(self._fates)

    def log_tail(self) -> str:
        """The end of `log`, but for what is only for debugging."""
        if not self.log.exists():
            return ""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if not line.startswith("DEBUG ")]
        return "\n".join(lines[-LOG_TAIL_LINES:])


@dataclass
class Hub:
    """The hub's stack, deployed."""

    emulator: Emulator
    binaries: Binaries
    outputs: dict[str, str]
    operator_key: str
    operator_secret: str
    environment: dict[str, str] = field(init=False)

    def __post_init__(self):
        #: What `funade` needs; its endpoint is the proxy, so its calls are recorded too.
        self.environment = {
            "AWS_ENDPOINT_URL": self.emulator.recorder.url,
            "AWS_ACCESS_KEY_ID": self.operator_key,
            "AWS_SECRET_ACCESS_KEY": self.operator_secret,
            "AWS_REGION": HUB_REGION,
            "FUNADE_TABLE": self.outputs["TableName"],
            "FUNADE_WAKE_QUEUE_URL": self.outputs["WakeQueueUrl"],
            "FUNADE_LATER_QUEUE_URL": self.outputs["LaterQueueUrl"],
            "FUNADE_ACCOUNT": HUB_ACCOUNT,
            "FUNADE_OPERATOR_ROLE": OPERATOR_ROLE,
        }

    @property
    def client(self) -> Clients:
        return self.emulator.client

    def funade(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess:
        """Run the operator's command as the operator, with these settings besides; does not judge the exit code."""
        return subprocess.run(
            [self.binaries.funade, *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(self.emulator.directory)} | self.environment | settings,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=STACK_SECONDS,
        )

    def invoke_image_push(self, event) -> dict:
        """Hand an event to `image-push` as the rule would, but wait for its end."""
        return self._invoke("ImagePushFunction", event)

    def invoke_parameter_change(self, event) -> dict:
        """Hand an event to `parameter-change` as the rule would, but wait for its end."""
        return self._invoke("ParameterChangeFunction", event)

    def invoke_service_event(self, event) -> dict:
        """Hand an event to `service-event` as the rule would, but wait for its end."""
        return self._invoke("ServiceEventFunction", event)

    def invoke_sweep(self, event) -> dict:
        """Hand a minute's event to `sweep` as the rule would, but wait for its end."""
        return self._invoke("SweepFunction", event)

    def _invoke(self, function: str, event) -> dict:
        answer = self.client("lambda").invoke(FunctionName=self.outputs[function], Payload=json.dumps(event).encode())
        return {"error": answer.get("FunctionError"), "payload": answer["Payload"].read().decode()}

    def start_anew(self, function: str) -> None:
        """Let a function forget what it keeps between its invocations: credentials, and the configuration."""
        client, name = self.client("lambda"), {"FunctionName": self.outputs[function]}
        # The emulator starts it anew, though that changes nothing.
        client.update_function_configuration(**name, Timeout=client.get_function_configuration(**name)["Timeout"])

    @contextlib.contextmanager
    def deploy_at_rest(self) -> Iterator[None]:
        """Meanwhile, `deploy` is handed nothing: looks that are due come afterwards."""
        self._let_deploy_read(False)
        try:
            yield
        finally:
            self._let_deploy_read(True)

    def _let_deploy_read(self, enabled: bool) -> None:
        client = self.client("lambda")
        function = self.outputs["DeployFunction"]
        for mapping in client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled)

    def resource(self, logical_id: str) -> str:
        """The name that a resource of the template got."""
        return _resource(self.client, logical_id)

    def queued(self, *outputs: str) -> int:
        """How many messages these queues hold, those being worked on included, delayed ones not."""
        return self._count(outputs, ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"])

    def delayed(self, *outputs: str) -> int:
        """How many messages these queues keep for later."""
        return self._count(outputs, ["ApproximateNumberOfMessagesDelayed"])

    def _count(self, outputs: tuple[str, ...], attributes: list[str]) -> int:
        sqs = self.client("sqs")
        return sum(
            int(count)
            for output in outputs
            for count in sqs.get_queue_attributes(QueueUrl=self.outputs[output], AttributeNames=attributes)[
                "Attributes"
            ].values()
        )


def deploy_hub(emulator: Emulator, binaries: Binaries, on_schedule: bool = False) -> Hub:
    """Make the hub's stack from template.yaml, with these binaries as its functions; no schedule runs unless asked."""
    s3 = emulator.client("s3")
    for bucket in (_CODE_BUCKET, REPORT_BUCKET):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": HUB_REGION})
    template = yaml_parse(TEMPLATE.read_text())
    for logical_id, binary in (
        ("ImagePush", binaries.image_push),
        ("ParameterChange", binaries.parameter_change),
        ("ServiceEvent", binaries.service_event),
        ("Sweep", binaries.sweep),
        ("Notify", binaries.notify),
        ("Deploy", binaries.deploy),
    ):
        package = _package(binary, emulator.directory)
        s3.upload_file(str(package), _CODE_BUCKET, package.name)
        template["Resources"][logical_id]["Properties"]["CodeUri"] = {"Bucket": _CODE_BUCKET, "Key": package.name}
    # Longer than a request may carry: 51,200 bytes.
    s3.put_object(Bucket=_CODE_BUCKET, Key=TEMPLATE.name, Body=json.dumps(template).encode())
    outputs = _create_stack(
        emulator.client("cloudformation"),
        STACK_NAME,
        {"TemplateURL": f"{emulator.url}/{_CODE_BUCKET}/{TEMPLATE.name}"},
        # Without OrganizationId: the emulator knows no bus policies. Each minute's event looks at everything.
        {
            "Architecture": "x86_64",
            "LogLevel": emulator.log_level,
            "MemberRoleName": MEMBER_ROLE,
            "SweepMinutes": "1",
            "ReportBucketName": REPORT_BUCKET,
        },
        ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    key = _operator(emulator.client, outputs["OperatorPolicyArn"])
    _allow_batches(emulator.client)
    if not on_schedule:
        emulator.client("events").disable_rule(Name=_resource(emulator.client, "SweepMinute"))
    return Hub(emulator, binaries, outputs, key["AccessKeyId"], key["SecretAccessKey"])


def deploy_member(client: Clients, account: str, region: str) -> None:
    """Make a stack from member.yaml for an account that is deployed to."""
    _create_member_stack(
        client("cloudformation", account, region),
        {
            "MemberRoleName": MEMBER_ROLE,
            "OperatorPrincipals": f"arn:aws:iam::{HUB_ACCOUNT}:user/{_OPERATOR}",
        },
    )
    # For a role's session the emulator compares the session's ARN where AWS compares the role's, so
    # the functions' are named as that.
    trust = client("iam", account).get_role(RoleName=MEMBER_ROLE)["Role"]["AssumeRolePolicyDocument"]
    trusted = trust["Statement"][0]["Condition"]["ArnLike"]
    trusted["aws:PrincipalArn"] += [
        f"arn:aws:sts::{HUB_ACCOUNT}:assumed-role/{arn.split('/')[1]}" for arn in trusted["aws:PrincipalArn"]
    ]
    client("iam", account).update_assume_role_policy(RoleName=MEMBER_ROLE, PolicyDocument=json.dumps(trust))
    # Where a call names a cluster, the emulator asks for the right to the cluster, and AWS for that
    # to the service or the task.
    cluster = f"arn:aws:ecs:*:{account}:cluster/*"
    looking = ["ecs:DescribeServices", "ecs:ListServiceDeployments", "ecs:DescribeTasks"]
    for role, actions in ((MEMBER_ROLE, ["ecs:UpdateService", *looking]), (OPERATOR_ROLE, looking)):
        client("iam", account).put_role_policy(
            RoleName=role, PolicyName="emulator", PolicyDocument=_allow(actions, cluster)
        )
        # Where a call names a path, the emulator asks for the right to everything, and AWS for that
        # to the path.
        client("iam", account).put_role_policy(
            RoleName=role, PolicyName="emulator-paths", PolicyDocument=_allow(["ssm:GetParametersByPath"], "*")
        )


def deploy_forwarder(client: Clients, account: str, region: str) -> None:
    """Make a stack from member.yaml for a Region that only images are pushed to."""
    _create_member_stack(
        client("cloudformation", account, region),
        {
            "DeployRole": "no",
            "ForwardParameterEvents": "no",
            "ForwardServiceEvents": "no",
            "ForwardImageEvents": "yes",
        },
    )


def _create_member_stack(cloudformation, parameters: dict[str, str]) -> None:
    _create_stack(
        cloudformation,
        "funade-member",
        {"TemplateBody": json.dumps(yaml_parse(MEMBER_TEMPLATE.read_text()))},
        {"HubAccount": HUB_ACCOUNT, "HubRegion": HUB_REGION, "HubStackName": STACK_NAME} | parameters,
        ["CAPABILITY_NAMED_IAM"],
    )


def _allow_batches(client: Clients) -> None:
    """Give who may send messages the right to send them in batches.

    To AWS that is one right; to the emulator it is another, which AWS does not know.
    """
    iam = client("iam")
    for logical_id, queues in (
        ("ImagePushRole", ["WakeQueue"]),
        ("ParameterChangeRole", ["LaterQueue"]),
        ("ServiceEventRole", ["WakeQueue"]),
        ("SweepRole", ["WakeQueue"]),
        ("DeployRole", ["WakeQueue", "LaterQueue"]),
    ):
        for queue in queues:
            role, policy = _resource(client, logical_id), f"emulator-{queue}"
            iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=_batches(queue))
    iam.put_user_policy(UserName=_OPERATOR, PolicyName="emulator", PolicyDocument=_batches("WakeQueue"))


def _resource(client: Clients, logical_id: str) -> str:
    """The physical id of a resource of the hub's stack."""
    described = client("cloudformation").describe_stack_resource(StackName=STACK_NAME, LogicalResourceId=logical_id)
    return described["StackResourceDetail"]["PhysicalResourceId"]


def _batches(queue: str) -> str:
    return _allow(["sqs:SendMessageBatch"], f"arn:aws:sqs:{HUB_REGION}:{HUB_ACCOUNT}:{STACK_NAME}-{queue}-*")


def _allow(actions: list[str], resource: str) -> str:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _operator(client: Clients, policy_arn: str) -> dict:
    """A user with the operator's policy and nothing else."""
    iam = client("iam")
    iam.create_user(UserName=_OPERATOR)
    iam.attach_user_policy(UserName=_OPERATOR, PolicyArn=policy_arn)
    return iam.create_access_key(UserName=_OPERATOR)["AccessKey"]


def _create_stack(cloudformation, name: str, template: dict, parameters: dict[str, str], capabilities: list[str]):
    """Make a stack and wait for it; returns its outputs, or fails with the reasons."""
    cloudformation.create_stack(
        StackName=name,
        **template,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=capabilities,
    )

    def finished():
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

    stack = wait_until(f"the stack {name} is made", finished, STACK_SECONDS)
    if stack["StackStatus"] != "CREATE_COMPLETE":
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        reasons = [f"{e['LogicalResourceId']}: {e['ResourceStatusReason']}" for e in events if "FAILED" in e["ResourceStatus"]]
        raise RuntimeError(f"{stack['StackStatus']}: {stack.get('StackStatusReason', '')} {reasons}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _package(binary: Path, directory: Path) -> Path:
    """A function's zip: the binary under the name `bootstrap`, executable."""
    bootstrap = directory / f"{binary.name}.bootstrap"
    shutil.copy(binary, bootstrap)
    with open(binary, "rb") as file:
        is_elf = file.read(4) == b"\x7fELF"
    if is_elf and (strip := shutil.which("strip")):
        # Debug information is nine tenths of an unoptimized function.
        subprocess.run([strip, bootstrap], check=True)
    package = directory / f"{binary.name}.zip"
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = (stat.S_IFREG | 0o755) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(package, "w", compresslevel=1) as archive, open(bootstrap, "rb") as file:
        with archive.open(entry, "w") as sink:
            shutil.copyfileobj(file, sink)
    bootstrap.unlink()
    return package
