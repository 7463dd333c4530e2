SECRET=$(auth-service client create after-restore --scope auth:register --scope shop:admin)
TOKEN=$(curl -sSf -u "after-restore:$SECRET" $AUTH/token -d grant_type=client_credentials | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
while read -r id; do curl -sSf -X DELETE -u "after-restore:$SECRET" "$AUTH/credentials/$id"; done <only-in-auth
while read -r id; do curl -sSf -X DELETE -H "Authorization: Bearer $TOKEN" "$SHOP/user/$id"; done <only-in-shop
auth-service client delete after-restore
