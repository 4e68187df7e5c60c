"""What a program, or its compiler, finds of the world outside its sandbox."""

from __future__ import annotations

import os
import socket
import textwrap
from pathlib import Path

import pytest

import deepgym_env


@pytest.fixture
def listener():
    """A server on this machine that a program must not reach."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        yield server


def reached(server):
    try:
        server.accept()[0].close()
    except TimeoutError:
        return False
    return True


CONNECT = {
    "python": """
        import socket
        for address in (("127.0.0.1", PORT), ("1.1.1.1", 53)):
            try:
                socket.create_connection(address, timeout=2).close()
                print("reached", address)
            except OSError:
                print("nothing")
        """,
    "bash": """
        for address in 127.0.0.1/PORT 1.1.1.1/53; do
            (exec 3<> /dev/tcp/$address) 2> /dev/null && echo "reached $address" || echo nothing
        done
        """,
    "javascript": """
        const net = require("net");
        for (const [host, port] of [["127.0.0.1", PORT], ["1.1.1.1", 53]]) {
            const socket = net.connect({ host, port, timeout: 2000 });
            socket.on("connect", () => { console.log("reached"); socket.destroy(); });
            socket.on("error", () => console.log("nothing"));
        }
        """,
    "java": """
        import java.net.*;
        class M {
            public static void main(String[] a) throws Exception {
                for (var to : new InetSocketAddress[] {
                        new InetSocketAddress("127.0.0.1", PORT), new InetSocketAddress("1.1.1.1", 53) }) {
                    try (var socket = new Socket()) { socket.connect(to, 2000); System.out.println("reached"); }
                    catch (Exception error) { System.out.println("nothing"); }
                }
            }
        }
        """,
}


@pytest.mark.parametrize("language", CONNECT)
def test_there_is_no_network(execute, listener, language):
    code = textwrap.dedent(CONNECT[language]).replace("PORT", str(listener.getsockname()[1]))
    result = execute(language, code)
    assert result.stdout == "nothing\nnothing\n", result.stderr
    assert not reached(listener)


READ = {
    "python": """
        import sys
        for path in sys.argv[1:]:
            try: print(path, len(open(path, "rb").read()))
            except OSError: print("no")
        """,
    "c": """
        #include <stdio.h>
        int main(int n, char **paths) {
            for (int i = 1; i < n; i++) {
                FILE *file = fopen(paths[i], "r");
                puts(file && fgetc(file) != EOF ? paths[i] : "no");
            }
        }
        """,
    "javascript": """
        for (const path of process.argv.slice(2)) {
            try { console.log(path, require("fs").readFileSync(path).length); } catch { console.log("no"); }
        }
        """,
    "java": """
        import java.nio.file.*;
        class M {
            public static void main(String[] paths) {
                for (var path : paths) {
                    try { System.out.println(path + Files.readAllBytes(Path.of(path)).length); }
                    catch (Exception error) { System.out.println("no"); }
                }
            }
        }
        """,
}


@pytest.mark.parametrize("language", READ)
def test_files_of_the_host_are_not_there(execute, language, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    secret.chmod(0o644)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    host = [str(secret), deepgym_env.__file__, __file__, "/etc/shadow", "/root/.bashrc", "/proc/1/environ", "/dev/sda"]
    result = execute(language, textwrap.dedent(READ[language]), args=(*host, "/../../etc/shadow"))
    assert result.stdout == "no\n" * 8, result.stderr


@pytest.mark.parametrize("path", ["/etc/shadow", "SECRET"])
def test_a_compiler_reads_no_file_of_the_host(execute, path, tmp_path):
    secret = tmp_path / "secret.h"
    secret.write_text("int top_secret(void) { return 0; }")
    secret.chmod(0o644)
    path = path.replace("SECRET", str(secret))
    result = execute("c", f'#include "{path}"\nint main(void) {{ return 0; }}')
    assert result.status == "syntax_error"
    assert "No such file" in result.compile_output
    assert "top_secret" not in result.compile_output


def test_nothing_is_written_outside_the_workspace(execute):
    code = """
        import os
        for folder in ("/", "/etc", "/usr/bin", "/usr/lib", "/box", "/box/lib", "/box/bin", "/dev", "/var", "/home"):
            try: open(folder + "/mine", "w"); print("wrote to", folder)
            except OSError: pass
        print(os.getuid() != 0, open("/proc/self/status").read().split("CapEff:")[1].split()[0])
        """
    assert execute("python", textwrap.dedent(code)).stdout == "True 0000000000000000\n"


def test_processes_of_others_are_out_of_reach(execute):
    code = """
        import os, signal
        os.kill(1, signal.SIGKILL)  # of its own pid namespace; nothing comes of it
        for pid in [pid for pid in range(2, 400) if pid != os.getpid()]:
            try: os.kill(pid, signal.SIGKILL); print("killed", pid)
            except OSError: pass
        print("done")
        """
    assert execute("python", textwrap.dedent(code)).stdout == "done\n"


def test_nothing_outlives_a_run(execute):
    mark = f"{os.getpid()}.25"  # seconds nobody else sleeps
    result = execute("bash", f"setsid sleep {mark} > /dev/null 2>&1 & sleep 0.2; echo gone")
    assert result.stdout.endswith("gone\n")
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if mark.encode() in _contents(path)]


def _contents(path):
    try:
        return path.read_bytes()
    except OSError:  # it has just ended
        return b""
