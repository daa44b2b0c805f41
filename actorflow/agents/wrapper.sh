# The parent of an attempt's program: it outlives the driver, and writes down who runs and how that ended.
#
# Arguments: the attempt's folder, cat, mv, the folder to work in, the end of the record, who knows the start time
# (proc or ps), and the program with its arguments. Descriptors: 0 the program's stdin; 2 exit.part; 3 ends when
# the driver dies; 4 and 5 the reading ends of the program's stdout and stderr, 6 and 7 their writing ends;
# 8 process.json.
#
# The program has the environment of this shell, so nothing here may set a variable that it could have; the
# names with ACTORFLOW_ are ours.

# Signals to the group are the program's business; we have to say how it ended. (It gets the default action.)
trap : HUP INT QUIT TERM USR1 USR2 ALRM VTALRM PROF
# Those that have no names everywhere, by number. Where a number is no signal the shell complains, and goes on
# because of 'command': without it an error of trap would end it.
command trap : 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 34 2>/dev/null

# Sleeps until the driver dies, then takes in what the program writes. Whoever has taken in everything gives
# exit.part its name: the driver, and then it kills this one, or this one.
(
	# Not behind the bracket: there some shells keep a copy of the pipes' ends, and the pipes never end.
	exec </dev/null >/dev/null 2>&1 6>&- 7>&- 8>&-
	trap '' HUP INT QUIT TERM USR1 USR2 ALRM VTALRM PROF
	command trap '' 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 34
	unset TMOUT # with it, read would end in some shells
	read -r ACTORFLOW_READ <&3
	take() {
		"$2" <&"$4" >>"$1/$5" && return
		"$3" "$1/exit.part" "$1/exit.cut" # no room: the attempt is lost, but its program must not hang
		"$2" <&"$4" >/dev/null
		return 1
	}
	take "$1" "$2" "$3" 4 stdout &
	take "$1" "$2" "$3" 5 stderr && wait $! && exec "$3" "$1/exit.part" "$1/exit"
) &
exec 3<&-

record() {
	printf '{"pid": %d, "started": "%s", "taker": %d, %s\n' $$ "${23}" $! "$1" >&8
}
if [ "$6" = proc ]; then
	read -r ACTORFLOW_READ </proc/$$/stat
	record "$5" $ACTORFLOW_READ
else
	ACTORFLOW_READ=$(ps -o lstart= -p $$)
	record "$5" 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 "$ACTORFLOW_READ"
fi 2>/dev/null
exec 8>&-

(
	cd -P -- "$4" 2>&7 || exit 126
	unset OLDPWD
	shift 6
	exec "$@" >&6 2>&7 4<&- 5<&- 6>&- 7>&-
)
set -- $?
# What the shell has said before of a signal tells it from an exit with such a number; not every shell does.
echo "$1" >&2
exit "$1"
