# shellcheck shell=bash
# bash completion of cervigate and cervigated: what is offered is read from the programs' own --help, so that it
# is what the installed version takes. No completion asks the running node: looking is in the audit log.

# Every option that the help $1 names.
_cervigate_options() { grep -oE '(^|[^-a-z`])--[a-z][a-z-]*' <<<"$1" | grep -oE -- '--[a-z-]+' | sort -u; }

# Subcommands of $2, out of its help $1: "usage: cervigate jobs list ...", "[list]", "[shadow | demo | clinical]".
_cervigate_words() {
  sed -nE "s/^(usage:|      ) cervigate $2 (\[[^]=-]*\]|[a-z][a-z-]*)( .*)?$/\2/p; s/^.*\] \[([a-z]+ \|[a-z |]*)\]$/\1/p" <<<"$1" |
    tr -c 'a-z\n-' ' ' | tr -s ' ' '\n'
}

# Names or AE titles ($1: name or aeTitle) of the configuration's peers; $2: --config FILE, or nothing.
_cervigate_peers() {
  local -a config=()
  [ -z "$2" ] || config=(--config "$2")
  cervigate check --print-effective "${config[@]}" 2>/dev/null | sed -nE "s/.*<peer [^>]*\b$1=\"([^\"]*)\".*/\1/p"
}

# Replies for a place of a usage line: FILE, DIR, PEER ...
_cervigate_place() {
  local file='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    [ "${COMP_WORDS[i]}" != --config ] || file=${COMP_WORDS[i + 1]}
  done
  case $1 in
    PEER) mapfile -t COMPREPLY < <(compgen -W "$(_cervigate_peers name "$file")" -- "$cur") ;;
    TITLE) mapfile -t COMPREPLY < <(compgen -W "$(_cervigate_peers aeTitle "$file")" -- "$cur") ;;
    DIR | GATE_DIR | FOLDER)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$cur")
      ;;
    *FILE* | CSV* | OUT.png | DATA | *DIR*)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      ;;
  esac
}

# The values of an option that takes one of a few words.
_cervigate_values() {
  case $1 in
    --role) echo "viewer reader admin" ;;
    --reason) echo "quality safety wrong-worklist-entry" ;;
    --explain) echo "gradient smoothgrad gradcam occlusion" ;;
    --format) echo "png dicom" ;;
    --headers) echo "honest careless" ;;
    --outcome) echo "success failure" ;;
    --optimiser) echo "sgd adam" ;;
    --fit) echo "stretch pad" ;;
    --provenance) echo "synthetic clinical" ;;
    --service) echo "lognormal exponential fixed" ;;
    --arrivals) echo "day flat" ;;
    --neck-order) echo "routine high" ;;
  esac
}

_cervigate() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' help place values word
  COMPREPLY=()
  if [ "${COMP_WORDS[0]##*/}" = cervigated ]; then
    help=$(cervigated --help 2>/dev/null)
  elif [ "$COMP_CWORD" -eq 1 ]; then
    help=$(cervigate --help 2>/dev/null | sed -nE 's/^  ([a-z]+) .*/\1/p')
    mapfile -t COMPREPLY < <(compgen -W "$help --help --version" -- "$cur")
    return
  else
    command=${COMP_WORDS[1]}
    help=$(cervigate "$command" --help 2>/dev/null)
    word=${COMP_WORDS[2]}
    [ "$COMP_CWORD" -eq 2 ] || ! grep -q "cervigate $command $word .*(--help there)" <<<"$help" ||
      help=$(cervigate "$command" "$word" --help 2>/dev/null)
  fi

  if [[ $prev == --* ]]; then
    values=$(_cervigate_values "$prev")
    if [ -n "$values" ]; then
      mapfile -t COMPREPLY < <(compgen -W "$values" -- "$cur")
      return
    fi
    place=$(grep -oE -- "$prev [A-Z][A-Za-z_.|]*" <<<"$help" | head -n 1 | cut -d ' ' -f 2)
    if [ -n "$place" ]; then
      _cervigate_place "$place"
      return
    fi
  fi
  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_cervigate_options "$help --help --version")" -- "$cur")
    return
  fi
  values=$(_cervigate_words "$help" "$command")
  if [ "$COMP_CWORD" -eq 2 ] && [ -n "$values" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$cur")
    return
  fi
  # what the usage lines of this subcommand, or else of the command, name outside of their options
  values=$(sed '/^$/q' <<<"$help" | tr '\n' ' ' | sed -E 's/ cervigate /\n&/g; s/\[[^]]*\]//g; s/--[a-z-]+ [A-Z|]+//g')
  place=$({ grep " cervigate $command $word " <<<"$values" || grep " cervigate $command " <<<"$values"; } |
    grep -oE '\b(PEER|FILE[A-Za-z|.]*|GATE_DIR)' | head -n 1)
  _cervigate_place "$place"
}

complete -F _cervigate cervigate cervigated
