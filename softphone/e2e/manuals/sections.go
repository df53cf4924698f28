package main

// exitStatus is the same for every command of a program.
func exitStatus(failed string) section {
	return section{"EXIT STATUS", ".TP\n0\nDone.\n.TP\n1\n" + failed + "\n.TP\n2\nWrong usage, or settings that cannot be.\n"}
}

func softphoneSections() []section {
	return []section{
		{"FILES", `.TP
.I $XDG_CONFIG_HOME/softphone/config.toml
The settings (default:
.IR ~/.config ;
on macOS
.IR "~/Library/Application Support" ).
.B softphone config init
writes one that explains each of them.
.TP
.I $XDG_DATA_HOME/softphone/
The history of calls, history.db (SQLite; history.db.damaged was put aside), and black boxes, blackbox/ (default:
.IR ~/.local/share ).
.TP
.I $XDG_STATE_HOME/softphone/
The log, softphone.log, and what is remembered from run to run, recall.json (default:
.IR ~/.local/state ).
`},
		exitStatus("The call or the command failed."),
	}
}

func serverSections() []section {
	return []section{
		{"SIGNALS", `.TP
.BR SIGTERM ", " SIGINT
No further calls are taken, those that are there are asked to move, and may go on for
.BR \-\-drain\-timeout .
A second one ends the server at once.
.TP
.B SIGHUP
The settings file, certificates and keys are read again. What is wrong with them is logged, and nothing changes then;
otherwise what can change without a restart does, under the calls that are there.
`},
		{"SERVICE MANAGERS", `Where
.B NOTIFY_SOCKET
is set, the server tells systemd when it takes calls, reloads and ends, and answers its watchdog as long as calls get
through it.
`},
		exitStatus("The server could not listen, failed, or was ended by a second signal: another start may help."),
	}
}
