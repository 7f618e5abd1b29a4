# Stands in for the command line of a vault, such as `op read`, `vault kv get` or `sops -d`. Nothing here is real.
echo "not-a-real-$1"
