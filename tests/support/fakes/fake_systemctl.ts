/**
 * A `systemctl` that stands in for a user's systemd: it remembers what is linked, and starts and stops what the
 * unit says. Like the real one it is found on the PATH.
 * @module
 */

const SCRIPT = `#!/usr/bin/env bash
# systemctl --user <verb> [options] <unit>
state=$(dirname "$0")
shift
echo "$*" >>"$state/calls"
unit=$(cat "$state/unit" 2>/dev/null)
setting() { sed -n "s/^$1=//p" "$unit" | sed 's/%%/%/g'; }
running() { [[ -f $state/pid ]] && kill -0 "$(cat "$state/pid")" 2>/dev/null; }
case $1 in
  show)
    if [[ -z $unit ]]; then
      printf 'LoadState=not-found\\nUnitFileState=\\nActiveState=inactive\\n'
    else
      printf 'LoadState=loaded\\nUnitFileState=enabled\\nWorkingDirectory=%s\\n' "$(setting WorkingDirectory)"
      running && echo ActiveState=active || echo ActiveState=inactive
    fi ;;
  enable) printf %s "$2" >"$state/unit" ;;
  disable) [[ -n $unit ]] && rm "$state/unit" ;;
  start | restart)
    running && kill -9 "$(cat "$state/pid")"
    command=$(setting ExecStart)
    cd "$(setting WorkingDirectory)" && eval "set -- \${command#:}" && ("$@" >"$state/log" 2>&1 & echo $! >"$state/pid") ;;
  stop) running && kill "$(cat "$state/pid")" && while running; do sleep 0.05; done ;;
  daemon-reload) ;;
  *) exit 64 ;;
esac`;

export interface FakeSystemctl extends Disposable {
  /** Goes before the PATH of whoever is to find it. */
  readonly folder: string;
  /** What it was told to do, a line each; questions are left out. */
  calls(): string[];
}

/** Disposal ends what it started. */
export function fakeSystemctl(): FakeSystemctl {
  const folder = Deno.makeTempDirSync({ prefix: "clockblock-systemctl-" });
  Deno.writeTextFileSync(`${folder}/systemctl`, SCRIPT, { mode: 0o755 });
  const read = (name: string) => {
    try {
      return Deno.readTextFileSync(`${folder}/${name}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    }
  };
  return {
    folder,
    calls: () => read("calls").trim().split("\n").filter((line) => !line.startsWith("show")),
    [Symbol.dispose]() {
      const pid = Number(read("pid"));
      try {
        if (pid > 0) Deno.kill(pid, "SIGKILL");
      } catch (error) {
        // It has ended, as it should.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
      Deno.removeSync(folder, { recursive: true });
    },
  };
}
